//! One link of a family, while it is decided about.

use crate::apart::Apart;
use crate::situation::Seen;
use provider::Listed;

/// One link to decide about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Task {
    pub(crate) member: usize,
    pub(crate) link: usize,
    pub(crate) seen: Seen,
    /// The listing's resource and the sequence before it was asked for.
    pub(crate) listed: Option<(Listed, i64)>,
    /// The calendar is to be asked whether it answers.
    pub(crate) probes: bool,
    /// Groups are sent one by one.
    pub(crate) apart: Option<Apart>,
    /// The calendar may not allow the conference that was asked for; the event itself is worth more.
    pub(crate) without_conference: bool,
    /// Its series was asked for before it.
    pub(crate) is_after_series: bool,
}

impl Task {
    /// Of which nothing has been read.
    pub(crate) fn new(member: usize, link: usize) -> Self {
        Self {
            member,
            link,
            seen: Seen::NotRead,
            listed: None,
            probes: false,
            apart: None,
            without_conference: false,
            is_after_series: false,
        }
    }
}
