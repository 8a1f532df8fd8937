//! What is read from a manifest, and what is refused.

use super::{MANIFEST, root};
use local::host::Manifest;
use std::collections::BTreeMap;

/// The base manifest with one text replaced: the error must name `named`.
fn refuses(from: &str, to: &str, named: &str) {
    assert!(MANIFEST.contains(from), "{from}");
    let error = Manifest::parse(&MANIFEST.replace(from, to)).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains(named), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

fn values(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<String, String> {
    let text = MANIFEST.replace(r#"{ default = "hello" }"#, "{ required = true }");
    let manifest = Manifest::parse(&text).unwrap();
    let given = given
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let environment: BTreeMap<_, _> = environment.iter().copied().collect();
    manifest
        .values(&given.collect(), |name| {
            environment.get(name).map(|value| (*value).into())
        })
        .map(|values| values["greeting"].clone())
        .map_err(|error| error.to_string())
}

#[test]
fn the_applications_own_manifest_is_right() {
    let manifest = Manifest::load(root().join("spin.toml")).unwrap();
    assert_eq!(manifest.name, "tandem");
    let reached = |id: &String| manifest.routes.iter().any(|route| route.component == *id);
    assert!(manifest.components.keys().all(reached));
}

#[test]
fn a_manifest_that_is_not_there_is_named() {
    let error = Manifest::load("/nowhere/spin.toml").unwrap_err();
    assert!(error.to_string().contains("/nowhere/spin.toml"));
}

#[test]
fn what_spin_would_refuse_is_refused_in_one_sentence() {
    refuses("version = 2", "version = 1", "spin_manifest_version");
    refuses("name = \"test\"", "nam = \"test\"", "line 4");
    refuses(
        "{ default = \"hello\" }",
        "{ secret = true }",
        "`greeting` needs",
    );
    refuses("{{ greeting }},", "{{ other }},", "no variable `other`");
    refuses("{{ greeting }},", "{{ greeting,", "}}");
    refuses("component = \"probe\"", "component = \"prob\"", "`prob`");
    refuses("http://127.0.0.1:*", "127.0.0.1", "scheme");
}

#[test]
fn an_allowed_host_has_to_be_right_with_its_default_already() {
    refuses(
        "http://127.0.0.1:*",
        "{{ greeting }}",
        "`hello` is no allowed outbound host",
    );
}

#[test]
fn the_caller_goes_before_the_environment() {
    let environment = [("SPIN_VARIABLE_GREETING", "theirs")];
    assert_eq!(values(&[], &environment).as_deref(), Ok("theirs"));
    assert_eq!(
        values(&[("greeting", "mine")], &environment).as_deref(),
        Ok("mine")
    );
}

#[test]
fn a_required_variable_without_a_value_is_named() {
    let error = values(&[], &[]).unwrap_err();
    assert!(
        error.contains("`greeting`") && error.contains("SPIN_VARIABLE_GREETING"),
        "{error}"
    );
}

#[test]
fn a_value_for_a_variable_that_is_not_there_is_an_error() {
    let error = values(&[("greting", "x")], &[]).unwrap_err();
    assert!(error.contains("`greting`"), "{error}");
}
