//! A client's conversation with Google, with names and texts of its own in all places that take some.

use bytes::Bytes;
use chrono::{TimeZone, Utc};
use google_simulator::{Clock, Options, Simulator, server};
use http::{HeaderMap, Method, Request, Response};
use local::http::Http;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded::byte_serialize;

pub const ANN: &str = "ann.ashcroft@acme.test";
pub const BOB: &str = "bob.bianchi@acme.test";

/// None of them may be in the file.
pub const WORDS: [&str; 24] = [
    "ashcroft",
    "Bianchi",
    "acme.test",
    "Quarterly",
    "layoffs",
    "Kitchen",
    "crmrowkey",
    "crmrowvalue",
    "hookpath",
    "channel-one",
    "watch-secret",
    "client-secret",
    "Gehälter",
    "minutes.pdf",
    "agenda",
    "lunchbob",
    "offsite",
    "wonderland",
    "Zanzibar",
    "dentist",
    "payroll",
    "wrongetag",
    "firstpart",
    "unlisted",
];

const EVENTS: &str = "/calendar/v3/calendars/primary/events";

/// A request of the conversation.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// A simulator behind a socket, and where the client believes that it is.
pub struct Wire {
    pub origin: String,
    simulator: Simulator,
    via: String,
}

impl Wire {
    /// The same answers to the same requests, each time.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let simulator = Simulator::new(Options {
            clock: Clock::Fixed(Utc.with_ymd_and_hms(2030, 1, 7, 8, 0, 0).unwrap()),
            origin: "http://google.test".into(),
            allow_http_loopback: true,
            ..Options::default()
        });
        simulator.add_user(ANN, "Ann Ashcroft", true);
        simulator.add_user("carol@acme.test", "Carol Ashcroft", true);
        simulator.add_client("client-id-1", "client-secret-1", "1", &[]);
        tokio::spawn(server::serve(simulator.clone(), listener));
        Self {
            via: origin.clone(),
            origin,
            simulator,
        }
    }

    /// The same one, asked at another origin.
    pub fn behind(self, origin: &str) -> Self {
        Self {
            via: origin.to_owned(),
            ..self
        }
    }
}

struct Client<'a> {
    wire: &'a Wire,
    http: Http,
    token: String,
    said: Vec<(Ask, Response<Bytes>)>,
}

impl Client<'_> {
    /// Sends a request and keeps what came back; answers it as JSON.
    async fn ask(
        &mut self,
        method: Method,
        target: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Value {
        let mut map = HeaderMap::new();
        if !target.starts_with("/token") {
            map.insert(
                "authorization",
                format!("Bearer {}", self.token).parse().unwrap(),
            );
        }
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let ask = Ask {
            method,
            target: target.to_owned(),
            headers: map,
            body: body.to_owned(),
        };
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{target}", self.wire.via));
        *request.headers_mut().unwrap() = ask.headers.clone();
        let request = request.body(Bytes::from(ask.body.clone())).unwrap();
        let answer = self.http.send(request).await.unwrap();
        let json = super::originals::body(answer.headers(), answer.body());
        self.said.push((ask, answer));
        json
    }

    async fn get(&mut self, target: &str) -> Value {
        self.ask(Method::GET, target, &[], "").await
    }

    async fn post(&mut self, target: &str, body: Value) -> Value {
        self.ask(
            Method::POST,
            target,
            &[("content-type", "application/json")],
            &body.to_string(),
        )
        .await
    }

    async fn patch(&mut self, target: &str, etag: &str, body: Value) -> Value {
        let headers = [("content-type", "application/json"), ("if-match", etag)];
        self.ask(Method::PATCH, target, &headers, &body.to_string())
            .await
    }
}

/// Says everything; the last two requests list Ann's two calendars whole.
pub async fn conversation(wire: &Wire) -> Vec<(Ask, Response<Bytes>)> {
    let scopes = [
        "https://www.googleapis.com/auth/calendar",
        "openid",
        "email",
    ];
    let tokens = wire.simulator.token(ANN, "client-id-1", &scopes).unwrap();
    let mut client = Client {
        wire,
        http: Http::default(),
        token: String::new(),
        said: Vec::new(),
    };
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = format!(
        "grant_type=refresh_token&client_id=client-id-1&client_secret=client-secret-1&refresh_token={refresh}"
    );
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let token = client.ask(Method::POST, "/token", &kind, &form).await;
    token["access_token"]
        .as_str()
        .unwrap()
        .clone_into(&mut client.token);
    let wrong = form.replace(refresh, "unlisted-refresh-token");
    client.ask(Method::POST, "/token", &kind, &wrong).await;
    let team = beside_events(&mut client).await;
    write(&mut client).await;
    read(&mut client).await;
    come_and_go(&mut client).await;
    batch(&mut client).await;
    series(&mut client).await;
    client.post(&format!("/calendar/v3/calendars/{team}/events"), json!({"summary": "Team offsite", "start": {"date": "2030-02-01"}, "end": {"date": "2030-02-03"}})).await;
    client
        .get(&format!("{EVENTS}?showDeleted=true&maxResults=250"))
        .await;
    client
        .get(&format!(
            "/calendar/v3/calendars/{team}/events?showDeleted=true"
        ))
        .await;
    client.said
}

/// Calendars, rules, settings, channels, errors of the front end; answers the id of a new calendar.
async fn beside_events(client: &mut Client<'_>) -> String {
    client
        .get("/calendar/v3/users/me/calendarList?maxResults=100")
        .await;
    client.get("/calendar/v3/users/me/settings").await;
    client.get("/calendar/v3/users/me/settings/timezone").await;
    client.get("/calendar/v3/colors").await;
    let made = client.post("/calendar/v3/calendars", json!({"summary": "Team offsite", "description": "Plans for Zanzibar", "timeZone": "Europe/Berlin"})).await;
    let team = made["id"].as_str().unwrap().replace('@', "%40");
    client
        .post(
            &format!("/calendar/v3/calendars/{team}/acl"),
            json!({"role": "reader", "scope": {"type": "user", "value": "carol@acme.test"}}),
        )
        .await;
    client
        .get(&format!("/calendar/v3/calendars/{team}/acl"))
        .await;
    client.post("/calendar/v3/freeBusy", json!({"timeMin": "2030-01-07T00:00:00Z", "timeMax": "2030-01-09T00:00:00Z", "items": [{"id": ANN}, {"id": "nobody@acme.test"}]})).await;
    let channel = client.post(&format!("{EVENTS}/watch"), json!({"id": "channel-one", "type": "web_hook", "address": "https://crm.acme.test/hookpath", "token": "watch-secret-token"})).await;
    client
        .post(
            "/calendar/v3/channels/stop",
            json!({"id": "channel-one", "resourceId": channel["resourceId"]}),
        )
        .await;
    client
        .get("/calendar/v3/calendars/dentist%40acme.test/events")
        .await;
    client
        .get(&format!("{EVENTS}?timeZone=Zanzibar-offsite"))
        .await;
    client
        .get("/calendar/v3/payroll/ashcroft?unlisted=ashcroft")
        .await;
    client
        .ask(
            Method::GET,
            EVENTS,
            &[("authorization", "Bearer unlisted-access-token")],
            "",
        )
        .await;
    team
}

/// An event with a name or a text in all places that take one.
fn everything() -> Value {
    json!({
        "id": "lunchbob01",
        "summary": "Quarterly layoffs",
        "description": "<b>Gehälter</b>\nask Bob.Bianchi@acme.test",
        "location": "Kitchen, 3rd floor",
        "start": {"dateTime": "2030-01-08T12:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2030-01-08T13:00:00+01:00", "timeZone": "Europe/Berlin"},
        "attendees": [{"email": "Bob.Bianchi@acme.test", "displayName": "Bob Bianchi", "comment": "after the dentist"},
                      {"email": "carol@acme.test", "optional": true}],
        "extendedProperties": {"private": {"crmrowkey": "crmrowvalue"}, "shared": {"wonderland": "Zanzibar"}},
        "conferenceData": {"createRequest": {"requestId": "payroll-request", "conferenceSolutionKey": {"type": "hangoutsMeet"}}},
        "source": {"title": "Row of Bianchi", "url": "https://crm.acme.test/rows/7"},
        "attachments": [{"fileUrl": "https://files.acme.test/minutes.pdf", "title": "minutes.pdf", "mimeType": "application/pdf"}],
        "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 7}]},
        "visibility": "private", "colorId": "5",
    })
}

/// That event, made, made again, changed, and changed on what is not its newest version.
async fn write(client: &mut Client<'_>) {
    let target =
        format!("{EVENTS}?conferenceDataVersion=1&supportsAttachments=true&sendUpdates=none");
    let headers = [
        ("content-type", "application/json"),
        ("accept-encoding", "gzip"),
        ("user-agent", "test (gzip)"),
    ];
    let made = client
        .ask(Method::POST, &target, &headers, &everything().to_string())
        .await;
    client.post(EVENTS, everything()).await;
    let one = format!("{EVENTS}/lunchbob01");
    client
        .patch(
            &one,
            made["etag"].as_str().unwrap(),
            json!({"location": "Zanzibar"}),
        )
        .await;
    client
        .patch(&one, "\"wrongetag123\"", json!({"location": "wonderland"}))
        .await;
}

/// Events, found in several ways and not found.
async fn read(client: &mut Client<'_>) {
    client.get(&format!("{EVENTS}/lunchbob01")).await;
    client.get(&format!("{EVENTS}/agenda000001")).await;
    let listed = client.get(EVENTS).await;
    let token = listed["nextSyncToken"].as_str().unwrap();
    let token: String = byte_serialize(token.as_bytes()).collect();
    client.get(&format!("{EVENTS}?syncToken={token}")).await;
    client
        .get(&format!("{EVENTS}?syncToken=unlisted-sync-token"))
        .await;
    client
        .get(&format!(
            "{EVENTS}?q=layoffs&singleEvents=true&orderBy=startTime&timeMin=2030-01-01T00:00:00Z"
        ))
        .await;
    client.get(&format!("{EVENTS}?iCalUID=lunchbob01%40google.com&privateExtendedProperty=crmrowkey%3Dcrmrowvalue")).await;
    client
        .get(&format!(
            "{EVENTS}?maxResults=1&fields=items(id,summary),nextPageToken"
        ))
        .await;
}

/// Events that come in other ways, that are refused, and one that goes.
async fn come_and_go(client: &mut Client<'_>) {
    client
        .post(
            &format!("{EVENTS}/quickAdd?text=Dinner%20in%20wonderland"),
            Value::Null,
        )
        .await;
    client
        .post(
            &format!("{EVENTS}/import"),
            json!({
                "iCalUID": "40C2-agenda@acme.test", "summary": "Imported agenda",
                "start": {"date": "2030-01-10"}, "end": {"date": "2030-01-11"},
                "organizer": {"email": "carol@acme.test", "displayName": "Carol Ashcroft"},
 "attendees": [{"email": ANN}],
            }),
        )
        .await;
    client.post(EVENTS, json!({"summary": "Quarterly", "ashcroft field": "unlisted", "start": {"dateTime": "never, said Bianchi"}})).await;
    client
        .ask(
            Method::POST,
            EVENTS,
            &[("content-type", "application/json")],
            "{Quarterly",
        )
        .await;
    let gone = json!({"id": "dentist00001", "summary": "dentist", "start": {"date": "2030-01-12"}, "end": {"date": "2030-01-13"}});
    client.post(EVENTS, gone).await;
    client
        .ask(Method::DELETE, &format!("{EVENTS}/dentist00001"), &[], "")
        .await;
    client
        .ask(Method::DELETE, &format!("{EVENTS}/dentist00001"), &[], "")
        .await;
}

async fn batch(client: &mut Client<'_>) {
    let event = json!({"id": "0carol0001", "summary": "payroll", "start": {"date": "2030-01-20"}, "end": {"date": "2030-01-21"}});
    let body = format!(
        "--part\r\nContent-Type: application/http\r\nContent-ID: <firstpart>\r\n\r\nGET {EVENTS}/lunchbob01 HTTP/1.1\r\n\r\n\r\n\
         --part\r\nContent-Type: application/http\r\nContent-ID: <secondpart>\r\n\r\nPOST {EVENTS}?sendUpdates=none HTTP/1.1\r\n\
         Content-Type: application/json\r\n\r\n{event}\r\n--part--\r\n"
    );
    let kind = [("content-type", "multipart/mixed; boundary=part")];
    client
        .ask(Method::POST, "/batch/calendar/v3", &kind, &body)
        .await;
}

/// A series with an occurrence that differs and one that is cancelled.
async fn series(client: &mut Client<'_>) {
    client.post(EVENTS, json!({
        "id": "0agenda000", "summary": "Routine agenda", "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=6", "EXDATE;TZID=Europe/Berlin:20300114T090000"],
        "start": {"dateTime": "2030-01-07T09:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2030-01-07T09:30:00+01:00", "timeZone": "Europe/Berlin"},
    })).await;
    client.get(&format!("{EVENTS}/0agenda000/instances")).await;
    client
        .patch(
            &format!("{EVENTS}/0agenda000_20300109T080000Z"),
            "*",
            json!({"summary": "Moved to the Kitchen"}),
        )
        .await;
    client
        .ask(
            Method::DELETE,
            &format!("{EVENTS}/0agenda000_20300116T080000Z"),
            &[],
            "",
        )
        .await;
}
