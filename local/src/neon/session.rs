//! Runs a request's statements on a connection and writes their answer.

use std::io;

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend::{self, BindError};

use super::answer::Answer;
use super::failure::Failure;
use super::pool::Lease;
use super::request::{Options, Payload, Query};

/// Sends everything at once and reads the answers: one round trip for a query, and one for a whole batch,
/// because Postgres skips what follows a failed statement up to the end of the pipeline.
pub async fn run(
    lease: &mut Lease,
    payload: &Payload,
    options: &Options,
) -> Result<Vec<u8>, Failure> {
    compose(&mut lease.wire()?.output, payload, options)
        .map_err(|error| Failure::refused(error.to_string()))?;
    let outcome = read(lease, payload, options).await?;
    lease
        .clean_up(payload.is_batch)
        .await
        .map_err(|error| Failure::broken(&error))?;
    outcome
}

fn compose(out: &mut BytesMut, payload: &Payload, options: &Options) -> io::Result<()> {
    if payload.is_batch {
        statement(out, &options.begin(), &[])?;
    }
    for Query { sql, params, .. } in &payload.queries {
        statement(out, sql, params)?;
    }
    if payload.is_batch {
        statement(out, "commit", &[])?;
    }
    frontend::sync(out);
    Ok(())
}

/// Parameters and results as text, types left to the server.
fn statement(out: &mut BytesMut, sql: &str, params: &[Option<String>]) -> io::Result<()> {
    frontend::parse("", sql, [], out)?;
    frontend::bind(
        "",
        "",
        [],
        params.iter().map(Option::as_ref),
        write_parameter,
        [],
        out,
    )
    .map_err(|error| match error {
        BindError::Conversion(error) => io::Error::other(error),
        BindError::Serialization(error) => error,
    })?;
    frontend::describe(b'P', "", out)?;
    frontend::execute("", 0, out)
}

fn write_parameter(
    param: Option<&String>,
    out: &mut BytesMut,
) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
    Ok(match param {
        Some(text) => {
            out.put_slice(text.as_bytes());
            IsNull::No
        }
        None => IsNull::Yes,
    })
}

/// Reads up to the end of the pipeline. The outer error leaves the connection in an unknown state, the inner one
/// is Postgres's and leaves it usable.
async fn read(
    lease: &mut Lease,
    payload: &Payload,
    options: &Options,
) -> Result<Result<Vec<u8>, Failure>, Failure> {
    let mut reading = Reading::new(payload, options);
    loop {
        let message = match lease.wire()?.receive().await {
            Ok(message) => message,
            // Postgres says why before it closes.
            Err(error) => return Err(reading.failure.unwrap_or_else(|| Failure::broken(&error))),
        };
        if reading.take(message)? {
            return Ok(reading.end());
        }
    }
}

struct Reading<'a> {
    payload: &'a Payload,
    answer: Answer,
    /// Which statement is being answered; in a batch the first one opens the transaction.
    at: usize,
    failure: Option<Failure>,
}

impl<'a> Reading<'a> {
    fn new(payload: &'a Payload, options: &Options) -> Self {
        Self {
            payload,
            answer: Answer::new(options, payload.is_batch),
            at: 0,
            failure: None,
        }
    }

    /// Takes one message and says whether it was the last one.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "acknowledgements, notices and settings bear no result"
    )]
    fn take(&mut self, message: Message) -> Result<bool, Failure> {
        match message {
            Message::RowDescription(body) if self.query().is_some() => {
                self.answer
                    .begin(self.query().and_then(|query| query.array_mode));
                self.answer.fields(&body)?;
            }
            Message::NoData if self.query().is_some() => {
                self.answer
                    .begin(self.query().and_then(|query| query.array_mode));
                self.answer.no_fields();
            }
            Message::DataRow(body) => self.answer.row(&body)?,
            Message::CommandComplete(body) => {
                if self.query().is_some() {
                    self.answer
                        .end(body.tag().map_err(|error| Failure::broken(&error))?);
                }
                self.at += 1;
            }
            Message::EmptyQueryResponse => {
                self.answer.end("");
                self.at += 1;
            }
            Message::ErrorResponse(body) => self.failure = Some(Failure::sql(body.fields())),
            // It would wait for data for ever.
            Message::CopyInResponse(_) => {
                return Err(Failure::refused("COPY FROM STDIN is not supported"));
            }
            Message::ReadyForQuery(_) => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn query(&self) -> Option<&'a Query> {
        let index = if self.payload.is_batch {
            self.at.checked_sub(1)?
        } else {
            self.at
        };
        self.payload.queries.get(index)
    }

    fn end(self) -> Result<Vec<u8>, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.answer.finish()),
        }
    }
}
