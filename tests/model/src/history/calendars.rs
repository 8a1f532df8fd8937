//! What becomes of calendars: they are shared, and shared no more.

use super::life::Life;
use super::run::Run;
use super::step::Role;
use anyhow::Result;
use serde_json::json;

impl Run {
    pub(super) fn share(&mut self, role: Role) -> Result<()> {
        let Some(team) = self.team.clone().filter(|_| self.people.len() > 1) else {
            return Ok(());
        };
        let is_new = self.role.0 != role;
        self.role = (role, self.role.1 || is_new);
        // What Bob has changed may not have been written yet.
        let his = |life: &&mut Life| is_new && (life.crm.users.contains(&1) || life.declined);
        self.lives
            .values_mut()
            .filter(his)
            .for_each(|life| life.unsettled = true);
        let share = json!({"user": "bob@example.com", "role": role.name()});
        self.world
            .control("POST", &format!("calendars/{team}/share"), &share)
            .map(drop)
    }
}
