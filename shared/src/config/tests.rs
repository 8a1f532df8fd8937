use super::*;
use crate::jwt::ExpectedClaims;

/// 32 bytes, as few as there may be.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

const SECRETS: [&str; 4] = [
    "function_secret",
    "operator_secret",
    "signing_key",
    "jwt_secret",
];

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn refusal(pairs: &[(&str, &str)]) -> String {
    read(pairs).unwrap_err().to_string()
}

#[test]
fn a_secret_that_is_unset_or_short_is_absent_and_the_reason_says_which() {
    let long = format!("{SECRET}+");
    for (value, found, reason) in [
        ("", false, "is not set"),
        ("  ", false, "is not set"),
        ("secret", false, "has fewer than 32 bytes; make one with"),
        (&SECRET[1..], false, "`openssl rand -base64 32`"),
        (SECRET, true, "is not set"),
        (&long, true, "is not set"),
    ] {
        let config = read(&[
            ("function_secret", value),
            ("signing_key", value),
            ("jwt_secret", value),
        ]);
        let config = config.unwrap();
        let operator = read(&[("operator_secret", value)]).unwrap();
        assert_eq!(!operator.operator_secrets.is_empty(), found, "{value}");
        assert_eq!(!config.function_secrets.is_empty(), found, "{value}");
        assert_eq!(!config.signers.is_empty(), found, "{value}");
        assert_eq!(!config.issuers.is_empty(), found, "{value}");
        for name in SECRETS {
            let of = if name == "operator_secret" {
                &operator
            } else {
                &config
            };
            let lack = of.lack_of(name);
            assert!(lack.contains(name) && lack.contains(reason), "{lack}");
        }
    }
}

#[test]
fn a_previous_secret_is_good_beside_a_current_one_and_never_alone() {
    let (new, old) = (SECRET, "before-before-before-before-before");
    let count = |current: &'static str, previous: &'static str| {
        let mut pairs = Vec::new();
        // The operator's are not the clock's.
        let own = |name: &str, value: &str| match name {
            "operator_secret" => value.chars().rev().collect(),
            _ => value.to_owned(),
        };
        for name in SECRETS {
            pairs.push((name.to_owned(), own(name, current)));
            pairs.push((format!("{name}_previous"), own(name, previous)));
        }
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, v)| (name.as_str(), v.as_str()))
            .collect();
        let config = read(&pairs).unwrap();
        let logins = config
            .issuers
            .iter()
            .map(|issuer| issuer.secrets.len())
            .sum();
        let operators = config.operator_secrets.len();
        let functions = config.function_secrets.len();
        let counts: [usize; 4] = [functions, operators, config.signers.len(), logins];
        (counts, config.weaknesses())
    };
    assert_eq!(count(new, old), ([2; 4], Vec::new()));
    assert_eq!(count("", old).0, [0; 4]);
    let (counts, weak) = count(new, "short");
    assert_eq!(counts, [1; 4]);
    for name in SECRETS {
        let named = |line: &String| line.contains(&format!("{name}_previous has fewer than"));
        assert!(weak.iter().any(named), "{name}: {weak:?}");
    }
}

#[test]
fn errors_name_the_variable() {
    for (name, value) in [
        ("db_driver", "mysql"),
        ("app_url", "no url"),
        ("token_keys", "k1:short"),
        ("page_origins", "crm.example"),
        ("crm_event_url", "/events/{id}"),
        ("demo_users", "Ann"),
    ] {
        let error = refusal(&[(name, value)]);
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_url_is_https_or_of_this_machine() {
    let names = [
        "app_url",
        "db_origin",
        "google_api_origin",
        "google_oauth_origin",
        "google_accounts_origin",
        "jwks_origin",
        "jwks_origin_2",
        "page_origins",
        "crm_login_url",
        "crm_event_url",
    ];
    for name in names {
        let with = |url| {
            let paths = [("jwks_path", "/keys"), ("jwks_path_2", "/keys")];
            let issuers = [("jwt_issuer", "one"), ("jwt_issuer_2", "two")];
            read(&[&[(name, url)], &paths[..], &issuers[..]].concat())
        };
        for good in [
            "https://crm.example",
            "http://localhost:3000",
            "http://crm.localhost",
            "http://127.0.0.1:3000",
            "http://127.9.9.9",
            "http://[::1]:3000",
        ] {
            assert!(with(good).is_ok(), "{name} {good}");
        }
        for bad in [
            "http://crm.example",
            "http://localhost.example",
            "http://notlocalhost",
            "http://10.0.0.1",
            "http://[::2]",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://crm.example",
            "file:///etc/passwd",
        ] {
            let error = with(bad).unwrap_err().to_string();
            let says = error.contains(name) && error.contains("https://");
            assert!(says, "{name} {bad}: {error}");
        }
    }
    for path in [
        "http://evil.example/keys",
        "//evil.example/keys",
        "javascript:x",
    ] {
        let error = refusal(&[("jwks_origin", "https://crm.example"), ("jwks_path", path)]);
        assert!(error.contains("jwks_path must be a path"), "{error}");
    }
}

#[test]
fn what_is_for_the_local_stack_stays_there() {
    for (name, value) in [
        ("demo_users", "[]"),
        ("google_simulator", "http://localhost:4000"),
    ] {
        assert!(read(&[("app_url", "http://127.0.0.1:3000"), (name, value)]).is_ok());
        let error = refusal(&[("app_url", "https://tandem.example"), (name, value)]);
        assert!(
            error.contains(name) && error.contains("remove it"),
            "{error}"
        );
    }
}

#[test]
fn an_app_url_that_was_left_as_it_is_counts_as_a_weakness_of_a_deployment() {
    let weak = |app, db| {
        let config = read(&[("app_url", app), ("db_origin", db)]).unwrap();
        config.weaknesses()
    };
    let said = weak("http://localhost:3000", "https://project.supabase.co");
    assert!(said[0].contains("app_url is http://localhost:3000/, which only this machine reaches"));
    assert!(weak("http://localhost:3000", "http://127.0.0.1:5000").is_empty());
    assert!(weak("https://tandem.example", "https://project.supabase.co").is_empty());
}

#[test]
fn on_supabase_its_own_sign_in_is_the_default() {
    let project = ("db_origin", "https://project.supabase.co");
    let only = |pairs: &[(&str, &str)]| {
        let mut issuers = read(pairs).unwrap().issuers;
        assert_eq!(issuers.len(), 1);
        issuers.remove(0)
    };
    let claims = |audience: &str, issuer: &str| ExpectedClaims {
        audience: Some(audience.to_owned()),
        issuer: Some(issuer.to_owned()),
    };
    let keys = |issuer: &Issuer| issuer.keys_url.as_ref().map(Url::to_string);
    let own = "https://project.supabase.co/auth/v1";
    let found = only(&[project]);
    assert_eq!(found.expected, claims("authenticated", own));
    assert_eq!(keys(&found), Some(format!("{own}/.well-known/jwks.json")));
    let chosen = only(&[project, ("jwt_audience", "crm"), ("jwt_issuer", "me")]);
    assert_eq!(chosen.expected, claims("crm", "me"));
    // Another sign-in has other claims.
    let other = only(&[
        project,
        ("jwks_origin", "https://login.example"),
        ("jwks_path", "/keys"),
    ]);
    assert_eq!(other.expected, ExpectedClaims::default());
    assert_eq!(keys(&other), Some("https://login.example/keys".to_owned()));
    for elsewhere in [
        [project, ("db_driver", "neon")],
        [
            ("db_origin", "https://supabase.co.example"),
            ("db_driver", ""),
        ],
    ] {
        assert!(read(&elsewhere).unwrap().issuers.is_empty());
    }
}

#[test]
fn two_issuers_must_be_told_apart() {
    let two = [("jwt_secret", SECRET), ("jwt_secret_2", SECRET)];
    let named = |names: &[(&'static str, &'static str)]| read(&[&two, names].concat());
    for (names, wrong) in [
        (&[][..], "jwt_issuer "),
        (&[("jwt_issuer", "a")], "jwt_issuer_2 "),
        (&[("jwt_issuer_2", "a")], "jwt_issuer "),
        (
            &[("jwt_issuer", "a"), ("jwt_issuer_2", "a")],
            "jwt_issuer_2 ",
        ),
    ] {
        let error = named(names).unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    let config = named(&[("jwt_issuer", "a"), ("jwt_issuer_2", "b")]).unwrap();
    assert_eq!(config.issuers.len(), 2);
}

#[test]
fn pages_are_known_by_their_whole_origin() {
    let pages = "https://crm.example, http://localhost:5173";
    let config = read(&[
        ("db_driver", "neon"),
        ("app_url", "https://tandem.example/sync"),
        ("page_origins", pages),
    ]);
    let config = config.unwrap();
    for (origin, known) in [
        ("https://crm.example", true),
        ("http://localhost:5173", true),
        ("https://tandem.example", true),
        ("http://crm.example", false),
        ("https://crm.example:8443", false),
        ("https://crm.example.evil.example", false),
        ("null", false),
        ("data:text/html,x", false),
        ("", false),
    ] {
        assert_eq!(config.is_page(origin), known, "{origin}");
    }
}

#[test]
fn what_is_printed_of_it_has_no_secret() {
    let names = [
        "function_secret",
        "operator_secret",
        "signing_key",
        "jwt_secret",
    ];
    let pairs = names.map(|name| (name, SECRET));
    let database = [("db_connection", SECRET), ("google_client_secret", SECRET)];
    let config = read(&[&pairs[..], &database[..]].concat()).unwrap();
    let printed = format!("{config:?}");
    assert!(
        printed.contains("app_url") && !printed.contains(SECRET),
        "{printed}"
    );
}

#[test]
fn what_the_clock_shows_opens_no_user_s_data() {
    let config = read(&[("function_secret", SECRET), ("operator_secret", SECRET)]).unwrap();
    assert!(config.operator_secrets.is_empty());
    let weak = config.weaknesses();
    assert!(
        weak[0].contains("operator_secret is a function_secret"),
        "{weak:?}"
    );
}
