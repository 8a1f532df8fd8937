//! Instances: what starts them, and how they end.

use crate::client::{Fate, Line, Pulse, Tokens};
use crate::stored::Stored;
use crate::world::{INSTANCE, World, next_id};
use engine::Env;
use futures::future::LocalBoxFuture;
use google_simulator::Notification as Message;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use store::{EventId, Notification, Trigger};

/// An instance at work.
pub struct Instance {
    what: &'static str,
    pulse: Rc<Pulse>,
    work: LocalBoxFuture<'static, String>,
}

/// How far an instance got.
pub enum Worked {
    /// It is done.
    Done,
    /// It was killed.
    Killed,
    /// It stands still.
    Stands(Instance),
}

impl World {
    /// The next instance meets this fate at its call of this number, from 0.
    pub fn plan(&self, call: u32, fate: Fate) {
        self.lines.plan.set(Some((call, fate)));
    }

    /// Takes a plan back that met no call.
    pub fn forgive(&self) {
        self.lines.plan.set(None);
    }

    /// How many instances were killed.
    pub fn killed(&self) -> u64 {
        self.lines.killed.get()
    }

    /// How many calls Google has had.
    pub fn calls(&self) -> u64 {
        self.lines.calls.get()
    }

    /// How many calls the database has had.
    pub fn stored(&self) -> u64 {
        self.lines.stored.get()
    }

    /// An instance that is poked for an event.
    pub fn poking(&self, event: &EventId) -> Instance {
        let event = event.clone();
        self.begin("poke", async move |env| {
            format!("{:?}", engine::push(env, &[event]).await)
        })
    }

    /// An instance that the clock calls.
    pub fn ticking(&self) -> Instance {
        self.begin("tick", async |env| format!("{:?}", engine::tick(env).await))
    }

    /// An instance that Google notifies.
    pub fn notifying(&self, message: &Message) -> Instance {
        let trigger = trigger(&message.request);
        self.begin("pull", async move |env| {
            format!("{:?}", engine::pull(env, trigger).await)
        })
    }

    fn begin(
        &self,
        what: &'static str,
        work: impl AsyncFnOnce(&Env<'_, Stored, Tokens>) -> String + 'static,
    ) -> Instance {
        self.requests.set(self.requests.get() + 1);
        let request = self.requests.get();
        let pulse = Rc::<Pulse>::default();
        let (line, ids) = (self.line(&pulse), Rc::clone(&self.ids));
        let work = async move {
            let (store, accounts) = (Stored(line.clone()), Tokens { line: line.clone() });
            let clock = || line.simulator.now();
            let fraction = || {
                (request.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1_u64 << 53) as f64
            };
            let new_id = || next_id(&ids);
            let env = Env {
                store: &store,
                accounts: &accounts,
                instance: INSTANCE,
                digest: "1",
                event_url: None,
                clock: &clock,
                fraction: &fraction,
                new_id: &new_id,
            };
            work(&env).await
        };
        Instance {
            what,
            pulse,
            work: Box::pin(work),
        }
    }

    fn line(&self, pulse: &Rc<Pulse>) -> Line {
        Line {
            simulator: Rc::clone(&self.simulator),
            store: Rc::clone(&self.store),
            lines: Rc::clone(&self.lines),
            pulse: Rc::clone(pulse),
        }
    }

    /// Lets an instance work until it is done, is killed, or stands still; one that stands still goes on.
    pub fn work(&self, mut instance: Instance) -> Worked {
        instance.pulse.go_on();
        let mut context = Context::from_waker(Waker::noop());
        match instance.work.as_mut().poll(&mut context) {
            Poll::Ready(came) => {
                let line = format!("{} {}: {came}", self.store.now(), instance.what);
                self.lines.log.borrow_mut().push(line);
                Worked::Done
            }
            Poll::Pending if instance.pulse.is_dead() => Worked::Killed,
            Poll::Pending => Worked::Stands(instance),
        }
    }

    /// A poke for an event arrives.
    pub fn poke(&self, event: &EventId) {
        self.work(self.poking(event));
    }

    /// The clock ticks.
    pub fn tick(&self) {
        self.work(self.ticking());
    }

    /// Notifications that are due arrive; says how many were due.
    pub fn deliver(&self) -> usize {
        let due = self.simulator.due_notifications();
        let count = due.len();
        for message in due {
            self.work(self.notifying(&message));
            self.simulator.delivered(message.id, Some(200));
        }
        count
    }

    /// Calls that took too long take effect; says how many did.
    pub fn land(&self) -> u64 {
        let line = self.line(&Rc::default());
        let late = self.lines.late.take();
        let count = late.len() as u64;
        for (account, request) in late {
            let _answer = line.answer(&account, request);
        }
        count
    }
}

fn trigger(request: &http::Request<bytes::Bytes>) -> Trigger {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    Trigger::Notification(Notification {
        channel: header("x-goog-channel-id"),
        resource: header("x-goog-resource-id"),
        message: header("x-goog-message-number").parse().unwrap_or_default(),
        is_sync: header("x-goog-resource-state") == "sync",
        expires_at: None,
    })
}
