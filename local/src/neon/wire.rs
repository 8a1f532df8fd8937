//! One connection to Postgres that speaks the frontend/backend protocol itself
//! (<https://www.postgresql.org/docs/current/protocol.html>): tokio-postgres cannot ask for results as text.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::Failure;
use super::request::Target;

const CONNECT: Duration = Duration::from_secs(10);

/// A connection that has authenticated.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    upstream: SocketAddr,
    input: BytesMut,
    /// What is still to be sent; `receive` sends it while it waits.
    pub output: BytesMut,
    /// Process id and secret, for a cancel request.
    key: Option<(i32, i32)>,
}

impl Wire {
    /// Connects and logs in.
    pub async fn open(upstream: SocketAddr, target: &Target) -> Result<Self, Failure> {
        match timeout(CONNECT, Self::log_in(upstream, target)).await {
            Ok(done) => done,
            Err(_) => Err(Failure::internal(
                "the database did not answer within ten seconds",
            )),
        }
    }

    async fn log_in(upstream: SocketAddr, target: &Target) -> Result<Self, Failure> {
        let mut wire = Self::connect(upstream)
            .await
            .map_err(|error| unreachable(&error))?;
        let parameters = [
            ("user", target.role.as_str()),
            ("database", target.database.as_str()),
            ("client_encoding", "UTF8"),
            ("application_name", "sql over http"),
        ];
        frontend::startup_message(parameters, &mut wire.output)
            .map_err(|error| unreachable(&error))?;
        let mut scram = None;
        loop {
            let message = wire.receive().await.map_err(|error| unreachable(&error))?;
            if let Message::ReadyForQuery(_) = message {
                return Ok(wire);
            }
            if let Message::ErrorResponse(body) = message {
                return Err(Failure::connecting(body.fields(), &target.role));
            }
            wire.greet(message, target, &mut scram)
                .map_err(|error| unreachable(&error))?;
        }
    }

    async fn connect(upstream: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(upstream).await?;
        stream.set_nodelay(true)?;
        let (input, output) = (BytesMut::with_capacity(8192), BytesMut::with_capacity(1024));
        Ok(Self {
            stream,
            upstream,
            input,
            output,
            key: None,
        })
    }

    /// Answers one message of the log-in.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "settings and notices of the server need no answer"
    )]
    fn greet(
        &mut self,
        message: Message,
        target: &Target,
        scram: &mut Option<ScramSha256>,
    ) -> io::Result<()> {
        let password = target.password.as_bytes();
        match message {
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(password, &mut self.output)
            }
            Message::AuthenticationMd5Password(body) => {
                let hash = md5_hash(target.role.as_bytes(), password, body.salt());
                frontend::password_message(hash.as_bytes(), &mut self.output)
            }
            Message::AuthenticationSasl(_) => {
                let exchange =
                    scram.insert(ScramSha256::new(password, ChannelBinding::unsupported()));
                frontend::sasl_initial_response(SCRAM_SHA_256, exchange.message(), &mut self.output)
            }
            Message::AuthenticationSaslContinue(body) => {
                let exchange = scram.as_mut().ok_or_else(unexpected)?;
                exchange.update(body.data())?;
                frontend::sasl_response(exchange.message(), &mut self.output)
            }
            Message::AuthenticationSaslFinal(body) => {
                scram.as_mut().ok_or_else(unexpected)?.finish(body.data())
            }
            Message::BackendKeyData(body) => {
                self.key = Some((body.process_id(), body.secret_key()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The next message. Sends what is in `output` at the same time: a server that is busy writing a long
    /// answer reads no more of a long request.
    pub async fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.input)? {
                return Ok(message);
            }
            let (mut reader, mut writer) = self.stream.split();
            tokio::select! {
                read = reader.read_buf(&mut self.input) => {
                    if read? == 0 {
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
                    }
                }
                written = writer.write_buf(&mut self.output), if !self.output.is_empty() => {
                    written?;
                }
            }
        }
    }

    /// Sends what is in `output` without waiting for an answer.
    pub async fn send(&mut self) -> io::Result<()> {
        self.stream.write_all_buf(&mut self.output).await
    }

    /// Whether the server has neither closed the connection nor said anything unasked.
    pub fn is_quiet(&mut self) -> bool {
        let nothing = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        self.input.is_empty()
            && self
                .stream
                .try_read_buf(&mut self.input)
                .is_err_and(|error| nothing(&error))
    }

    /// Asks the server to stop what this connection runs.
    pub async fn cancel(self) {
        let Some((process, secret)) = self.key else {
            return;
        };
        let cancelling = async {
            let mut other = Self::connect(self.upstream).await?;
            frontend::cancel_request(process, secret, &mut other.output);
            other.send().await?;
            // The server closes when it has passed the request on.
            other.stream.read_buf(&mut other.input).await
        };
        let _ = timeout(CONNECT, cancelling).await;
    }
}

fn unexpected() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "unexpected message from the server",
    )
}

fn unreachable(error: &io::Error) -> Failure {
    Failure::internal(format!("could not connect to the database: {error}"))
}
