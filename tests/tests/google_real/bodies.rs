//! Every method and kind of resource in process, under every switch: each good answer is of Google's schema.

use crate::schema::{Discovery, Exchange};
use crate::served::{ANN, BOB};
use anyhow::{Context, Result, ensure};
use google_simulator::{Clock, Options, Simulator};
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the simulator leaves out.
const LEFT_OUT: [&str; 1] = ["calendar.calendars.transferOwnership"];
const API: &str = "/calendar/v3/";
pub const TEAM: &str = "team@group.calendar.google.com";
pub const HOLIDAYS: &str = "holidays@group.v.calendar.google.com";

#[tokio::test]
async fn every_good_answer_is_of_googles_schema() -> Result<()> {
    let discovery = Discovery::calendar().await?;
    let asked = drive(None)?;
    let mut seen = BTreeSet::new();
    let mut refused = Vec::new();
    for exchange in &asked.seen {
        seen.insert(crate::schema::name(&discovery, exchange)?);
        if !(200..300).contains(&exchange.status) {
            let said = String::from_utf8_lossy(&exchange.body);
            refused.push(format!("{} {}: {said}", exchange.verb, exchange.path));
        }
    }
    ensure!(refused.is_empty(), "{}", refused.join("\n"));
    ensure!(
        problems(&discovery, &asked) == [""; 0],
        "{:#?}",
        problems(&discovery, &asked)
    );
    let methods = discovery
        .methods()
        .filter_map(|method| method["id"].as_str());
    let missing: Vec<&str> = methods.filter(|id| !seen.contains(*id)).collect();
    ensure!(missing == LEFT_OUT, "not asked: {missing:?}");
    Ok(())
}

#[tokio::test]
async fn every_position_of_a_switch_keeps_to_the_schema() -> Result<()> {
    let discovery = Discovery::calendar().await?;
    let switches = Simulator::new(Options::default()).switches();
    for (name, switch) in switches.as_object().context("switches")? {
        let positions = switch["positions"].as_array().into_iter().flatten();
        for position in positions.skip(1).filter_map(Value::as_str) {
            let found = problems(&discovery, &drive(Some((name, position)))?);
            let number = "calendar.events.watch.expiration";
            match name.as_str() {
                // The guide against the schema: that is what this switch is for.
                "expirationType" => ensure!(
                    found.iter().all(|p| p.contains(".expiration:"))
                        && found.iter().any(|p| p.starts_with(number))
                ),
                _ => ensure!(found == [""; 0], "{name} {position}: {found:#?}"),
            }
        }
    }
    Ok(())
}

fn problems(discovery: &Discovery, asked: &Asked) -> Vec<String> {
    let found: BTreeSet<String> = asked
        .seen
        .iter()
        .flat_map(|e| discovery.problems(e))
        .collect();
    found.into_iter().collect()
}

/// A simulator and what it answered.
pub struct Asked {
    sim: Simulator,
    tokens: [String; 2],
    seen: Vec<Exchange>,
}

fn drive(switch: Option<(&str, &str)>) -> Result<Asked> {
    let mut asked = Asked::new()?;
    if let Some((name, position)) = switch {
        asked
            .sim
            .switch(name, position)
            .map_err(anyhow::Error::msg)?;
    }
    asked.calendars()?;
    asked.events()?;
    asked.series()?;
    asked.shared()?;
    asked.listed()?;
    asked.rules()?;
    asked.lists()?;
    asked.channels()?;
    asked.ends()?;
    Ok(asked)
}

impl Asked {
    fn new() -> Result<Self> {
        let sim = Simulator::new(Options {
            clock: Clock::Fixed("2031-03-03T09:00:00Z".parse()?),
            ..Options::default()
        });
        sim.add_user(ANN, "Ann", false);
        sim.add_user(BOB, "Bob", false);
        sim.add_client("client", "secret", "1", &[]);
        let token = |user| {
            let scopes = ["https://www.googleapis.com/auth/calendar"];
            let tokens = sim.token(user, "client", &scopes);
            Some(tokens?["access_token"].as_str()?.to_owned())
        };
        let tokens = [token(ANN).context("token")?, token(BOB).context("token")?];
        let mut asked = Self {
            sim,
            tokens,
            seen: Vec::new(),
        };
        asked.control(
            "calendars",
            json!({"summary": "Team", "owner": ANN, "id": TEAM}),
        )?;
        asked.control(
            "calendars",
            json!({"summary": "Holidays", "id": HOLIDAYS, "holiday": true}),
        )?;
        Ok(asked)
    }

    pub fn control(&mut self, path: &str, body: Value) -> Result<Value> {
        let answer = self.sim.control("POST", path, &body);
        answer.map_err(|error| anyhow::anyhow!("{path}: {error}"))
    }

    /// A request as Ann.
    pub fn ann(&mut self, verb: &str, path: &str, body: Value) -> Result<Value> {
        self.ask(0, verb, path, &body)
    }

    /// A request as Bob.
    pub fn bob(&mut self, verb: &str, path: &str, body: Value) -> Result<Value> {
        self.ask(1, verb, path, &body)
    }

    fn ask(&mut self, who: usize, verb: &str, path: &str, body: &Value) -> Result<Value> {
        let request = Request::builder()
            .method(verb)
            .uri(format!("{API}{path}"))
            .header("authorization", format!("Bearer {}", self.tokens[who]))
            .header("content-type", "application/json");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let response = self.sim.handle(request.body(body.into())?);
        let body = response.body().to_vec();
        let answer = serde_json::from_slice(&body).unwrap_or_default();
        self.seen.push(Exchange {
            verb: verb.into(),
            path: format!("{API}{}", path.split('?').next().unwrap_or_default()),
            status: response.status().as_u16(),
            body,
        });
        Ok(answer)
    }
}
