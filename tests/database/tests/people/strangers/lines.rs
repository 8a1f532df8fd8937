//! A line for each column, function and call that is tried.

/// Columns of a user's row that name nothing: they say there what they like.
pub const FREE: &str = "all_day attendees color company_id conference contact_id created_at deal_id description end_time_zone \
    ends_at google_sync_enabled location original_start recurrence reminders starts_at status time_zone title transparency \
    updated_at visibility";
/// Tandem's own columns: what a user says there is not stored.
pub const TANDEMS: &str = "attachments creator google_access google_calendar_id google_event_id organizer sync_error sync_state";
/// Columns in which a user may not name what is another's, with what the database says.
pub const REFUSED: [(&str, &str); 3] = [
    ("id", "P0001"),
    ("owner_id", "42501"),
    ("recurring_event_id", "PT403"),
];

/// What a function is that users may call.
#[derive(Clone, Copy)]
pub enum Call {
    /// Called so, as Bob, with Ann's event as `$E` and her connection as `$C`: it tells and changes nothing.
    With(&'static str),
    /// It is the only thing of its kind, and tells the caller about themselves, or about nobody.
    Nobodys,
    /// It answers with ids alone, which give access to nothing: each is looked for among the caller's rows.
    Ids(&'static str),
}

pub const CALLS: [(&str, Call); 36] = [
    (
        "public.tandem_my_changes",
        Call::With("public.tandem_my_changes('{\"instance\": \"test\"}')"),
    ),
    (
        "public.tandem_my_event",
        Call::With("public.tandem_my_event('{\"instance\": \"test\", \"event_id\": \"$E\"}')"),
    ),
    (
        "public.tandem_my_events",
        Call::With(
            "public.tandem_my_events('{\"instance\": \"test\", \"from\": \"2031-03-01T00:00:00Z\", \"to\": \"2031-04-01T00:00:00Z\"}')",
        ),
    ),
    (
        "public.tandem_my_save",
        Call::With(
            "public.tandem_my_save('{\"instance\": \"test\", \"writes\": [{\"op\": \"delete\", \"id\": \"$E\"}]}')",
        ),
    ),
    (
        "tandem.my_aside",
        Call::With("tandem.my_aside('$E', '{\"title\": \"mine\"}')"),
    ),
    (
        "tandem.my_between",
        Call::With("array(select tandem.my_between('2031-03-01', '2031-04-01'))"),
    ),
    (
        "tandem.my_children",
        Call::Ids("tandem.my_children('{$E}')"),
    ),
    (
        "tandem.my_copies_before",
        Call::Ids("tandem.my_copies_before('$E')"),
    ),
    ("tandem.my_cursor", Call::Nobodys),
    ("tandem.my_delete", Call::With("tandem.my_delete('{$E}')")),
    ("tandem.my_event_of", Call::Ids("tandem.my_event_of('$E')")),
    ("tandem.my_hits", Call::Nobodys),
    (
        "tandem.my_insert",
        Call::With(
            "tandem.my_insert('$E', '{\"title\": \"mine\", \"starts_at\": \"2031-03-03T09:00:00Z\", \"ends_at\": \"2031-03-03T10:00:00Z\"}')",
        ),
    ),
    ("tandem.my_keys", Call::Ids("tandem.my_keys('{$E}')")),
    ("tandem.my_known_zone", Call::Nobodys),
    ("tandem.my_list", Call::With("tandem.my_list('{$E}', '{}')")),
    ("tandem.my_lock", Call::With("tandem.my_lock('{$E}')")),
    ("tandem.my_marks", Call::With("tandem.my_marks('{$E}')")),
    ("tandem.my_meeting", Call::Ids("tandem.my_meeting('$E')")),
    ("tandem.my_new_key", Call::Ids("tandem.my_new_key('$E')")),
    (
        "tandem.my_news",
        Call::With("array(select tandem.my_news('$A', pg_current_snapshot(), 10))"),
    ),
    ("tandem.my_parents", Call::Ids("tandem.my_parents('{$E}')")),
    ("tandem.my_reaches", Call::Nobodys),
    ("tandem.my_record", Call::Nobodys),
    (
        "tandem.my_rows",
        Call::With("(select jsonb_agg(r) from tandem.my_rows('{$E}') r)"),
    ),
    ("tandem.my_series", Call::Ids("tandem.my_series('$E')")),
    ("tandem.my_server", Call::Nobodys),
    (
        "tandem.my_shown",
        Call::With("tandem.my_shown('{$E}', '{}')"),
    ),
    ("tandem.my_snapshot", Call::Nobodys),
    (
        "tandem.my_state",
        Call::With("(select to_jsonb(r) from tandem.my_state('$E') r)"),
    ),
    (
        "tandem.my_touched",
        Call::With("(select jsonb_agg(r) from tandem.my_touched('0', 10) r)"),
    ),
    (
        "tandem.my_update",
        Call::With(
            "tandem.my_update('$E', (select e.xmin::text from public.events e where e.id = '$E'), '{\"title\": \"mine\"}')",
        ),
    ),
    (
        "tandem.my_view",
        Call::With("(select tandem.my_view(e) from public.events e where e.id = '$E')"),
    ),
    ("tandem.my_zone", Call::Nobodys),
    ("tandem.uid", Call::Nobodys),
    ("tandem.user_uuid", Call::Nobodys),
];

/// What a component calls for a user, with what it gets from the request: all of Ann's. `$E`, `$C` and `$A` are her
/// event, connection and account. What is refused has a code; what is not is about Bob.
pub const COMPONENTS: [(&str, &str, Option<&str>); 17] = [
    (
        "tandem_account_known",
        r#"{"sub": "ann", "wanted": "$A"}"#,
        None,
    ),
    (
        "tandem_account_store",
        r#"{"sub": "ann", "email": "b", "refresh_token": "r", "access_token": "a", "expires_in": 3600, "wanted": "$A"}"#,
        None,
    ),
    (
        "tandem_accounts_open",
        r#"{"account_id": "$A", "with_token": true}"#,
        None,
    ),
    (
        "tandem_calendar_connect",
        r#"{"account_id": "$A", "google_id": "x", "summary": "", "time_zone": "UTC", "access_role": "owner"}"#,
        Some("PT404"),
    ),
    (
        "tandem_confirm",
        r#"{"connection_id": "$C", "decision": "apply"}"#,
        Some("PT404"),
    ),
    (
        "tandem_connection_change",
        r#"{"connection_id": "$C", "direction": "in"}"#,
        None,
    ),
    (
        "tandem_disconnect_begin",
        r#"{"connection_id": "$C", "choice": "keep"}"#,
        None,
    ),
    ("tandem_erase_user", r#"{"choice": "keep"}"#, None),
    ("tandem_export_user", "{}", None),
    ("tandem_history", r#"{"event_id": "$E"}"#, Some("PT404")),
    ("tandem_oauth_use_state", r#"{"nonce": "n"}"#, None),
    ("tandem_quarantine", r#"{"connection_id": "$C"}"#, None),
    ("tandem_resync", r#"{"connection_id": "$C"}"#, Some("PT404")),
    ("tandem_retry", r#"{"event_id": "$E"}"#, Some("PT404")),
    ("tandem_status", "{}", None),
    (
        "tandem_ticket_issue",
        r#"{"id": "a ticket that Bob makes", "purpose": "connect"}"#,
        None,
    ),
    ("tandem_user_gone", "{}", None),
];
