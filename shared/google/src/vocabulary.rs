//! The fixed words of events and calendars. Google adds to them; what is new is kept as `Other`.

use super::wire::wire_enum;

wire_enum! {
    /// Whether an event takes place.
    pub enum Status {
        /// It does.
        Confirmed = "confirmed",
        /// Perhaps.
        Tentative = "tentative",
        /// It is deleted.
        Cancelled = "cancelled",
    }
}

wire_enum! {
    /// Whether an event takes time on the calendar.
    pub enum Transparency {
        /// Busy.
        Opaque = "opaque",
        /// Free.
        Transparent = "transparent",
    }
}

wire_enum! {
    /// Who sees the details of an event.
    pub enum Visibility {
        /// As the calendar says.
        Default = "default",
        /// Every reader of the calendar.
        Public = "public",
        /// Only guests.
        Private = "private",
        /// An older name for private.
        Confidential = "confidential",
    }
}

wire_enum! {
    /// A guest's answer.
    pub enum ResponseStatus {
        /// None yet.
        NeedsAction = "needsAction",
        /// No.
        Declined = "declined",
        /// Perhaps.
        Tentative = "tentative",
        /// Yes.
        Accepted = "accepted",
    }
}

wire_enum! {
    /// What an event is for.
    pub enum EventType {
        /// An ordinary event.
        Default = "default",
        /// Every year, all-day.
        Birthday = "birthday",
        /// Time to work alone.
        FocusTime = "focusTime",
        /// Made by Google from a mail.
        FromGmail = "fromGmail",
        /// Absent.
        OutOfOffice = "outOfOffice",
        /// Where someone works.
        WorkingLocation = "workingLocation",
    }
}

wire_enum! {
    /// How a reminder reaches its user.
    pub enum ReminderMethod {
        /// By mail.
        Email = "email",
        /// On the screen.
        Popup = "popup",
    }
}

wire_enum! {
    /// What the signed-in user may do with a calendar.
    pub enum AccessRole {
        /// Nothing.
        None = "none",
        /// See when it is busy; events come without details.
        FreeBusyReader = "freeBusyReader",
        /// Read all but private events.
        Reader = "reader",
        /// Write, without seeing private events.
        WriterWithoutPrivateAccess = "writerWithoutPrivateAccess",
        /// Read and write.
        Writer = "writer",
        /// All, and share it with others.
        Owner = "owner",
    }
}

impl AccessRole {
    /// Whether events come with their details; an unknown role is taken for less.
    pub fn can_read(&self) -> bool {
        match self {
            Self::Reader | Self::WriterWithoutPrivateAccess | Self::Writer | Self::Owner => true,
            Self::None | Self::FreeBusyReader | Self::Other(_) => false,
        }
    }

    /// Whether events may be changed; an unknown role is taken for less.
    pub fn can_write(&self) -> bool {
        match self {
            Self::WriterWithoutPrivateAccess | Self::Writer | Self::Owner => true,
            Self::None | Self::FreeBusyReader | Self::Reader | Self::Other(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_survive_a_round_trip() {
        for word in ["confirmed", "cancelled", "postponed", ""] {
            let json = format!("\"{word}\"");
            let status: Status = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&status).unwrap(), json);
        }
        assert_eq!(
            EventType::from("teamTime"),
            EventType::Other("teamTime".to_owned())
        );
    }

    #[test]
    fn roles_allow_what_they_say_and_unknown_ones_nothing() {
        for (role, read, write) in [
            ("none", false, false),
            ("freeBusyReader", false, false),
            ("reader", true, false),
            ("writerWithoutPrivateAccess", true, true),
            ("writer", true, true),
            ("owner", true, true),
            ("guru", false, false),
        ] {
            let role = AccessRole::from(role);
            assert_eq!((role.can_read(), role.can_write()), (read, write), "{role}");
        }
    }
}
