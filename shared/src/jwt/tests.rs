use super::*;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

const USER: &str = "0123e567-e89b-12d3-a456-426614174000";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1000, 0).unwrap()
}

fn issuer(secret: &str, expected: ExpectedClaims) -> Issuer {
    Issuer {
        expected,
        secrets: vec![secret.to_owned()],
        keys_url: Some(Url::parse("https://crm.example/keys").unwrap()),
    }
}

fn with_secret(token: &str, issuer: Issuer) -> Result<UserId, JwtError> {
    Plausible::read(token, &[issuer], now())?.with_secrets()
}

fn case(claims: &Value, algorithm: Algorithm, secret: &str, expected: Result<(), JwtError>) {
    let key = EncodingKey::from_secret(b"crm secret");
    let token = encode(&Header::new(algorithm), claims, &key).unwrap();
    let found = with_secret(&token, issuer(secret, ExpectedClaims::default()));
    assert_eq!(found.map(|_| ()), expected, "{claims}");
}

#[test]
fn a_login_is_good_until_it_expires_and_with_the_right_secret_only() {
    let (secret, invalid) = ("crm secret", Err(JwtError::Invalid));
    let claims = json!({"sub": USER, "exp": 1500, "aud": "authenticated"});
    case(&claims, Algorithm::HS256, secret, Ok(()));
    case(&claims, Algorithm::HS256, "other", invalid);
    case(&claims, Algorithm::HS512, secret, invalid);
    let old = json!({"sub": USER, "exp": 900});
    case(&old, Algorithm::HS256, secret, Err(JwtError::Expired));
    for claims in [
        json!({"sub": "", "exp": 1500}),
        json!({"sub": 42, "exp": 1500}),
        json!({"exp": 1500}),
        json!({"sub": USER}),
    ] {
        case(&claims, Algorithm::HS256, secret, invalid);
    }
    let nonsense = with_secret("nonsense", issuer(secret, ExpectedClaims::default()));
    assert_eq!(nonsense, Err(JwtError::Invalid));
}

#[test]
fn a_user_may_have_any_name() {
    for user in [USER, "auth0|a.b", "42"] {
        let key = EncodingKey::from_secret(b"crm secret");
        let claims = json!({"sub": user, "exp": 1500});
        let token = encode(&Header::default(), &claims, &key).unwrap();
        let found = with_secret(&token, issuer("crm secret", ExpectedClaims::default()));
        assert_eq!(found.unwrap().as_str(), user);
    }
}

#[test]
fn a_login_is_for_this_application_where_the_deployment_says_which() {
    let key = EncodingKey::from_secret(b"crm secret");
    let check = |claims: &Value, audience: Option<&str>, name: Option<&str>, result| {
        let token = encode(&Header::new(Algorithm::HS256), claims, &key).unwrap();
        let expected = ExpectedClaims {
            audience: audience.map(str::to_owned),
            issuer: name.map(str::to_owned),
        };
        let found = with_secret(&token, issuer("crm secret", expected));
        assert_eq!(found.map(|_| ()), result, "{claims} {audience:?} {name:?}");
    };
    let one = json!({"sub": USER, "exp": 1500, "aud": "crm", "iss": "https://a.example"});
    let several = json!({"sub": USER, "exp": 1500, "aud": ["other", "crm"]});
    let bare = json!({"sub": USER, "exp": 1500});
    for claims in [&one, &several, &bare] {
        check(claims, None, None, Ok(()));
        check(claims, Some("shop"), None, Err(JwtError::Foreign));
        let another = Some("https://b.example");
        check(claims, None, another, Err(JwtError::Foreign));
    }
    check(&one, Some("crm"), Some("https://a.example"), Ok(()));
    check(&several, Some("crm"), None, Ok(()));
    check(&bare, Some("crm"), None, Err(JwtError::Foreign));
    let later = json!({"sub": USER, "exp": 1500, "nbf": 1061});
    check(&later, None, None, Err(JwtError::Invalid));
    let now = json!({"sub": USER, "exp": 1500, "nbf": 1060});
    check(&now, None, None, Ok(()));
}

/// Keys of these tests alone, and their public halves.
const EC: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJI/Wapxy16/Zyf9NNBK6vLGYfgC4UGr3ci+6HTqAs7ihRANCAARmPYkLlA2rhW2sfQuoacCX145yv3Y78G9zx+VrE7Yxavtd/Ygm7FNTUOS4Q72mTNjTBSigMPxVMtt+hKuRIUnR";
const X: &str = "Zj2JC5QNq4VtrH0LqGnAl9eOcr92O_Bvc8flaxO2MWo";
const Y: &str = "-139iCbsU1NQ5LhDvaZM2NMFKKAw_FUy236Eq5EhSdE";
/// RFC 8037, appendix A.
const ED: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn token(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey, exp: i64) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, &json!({"sub": USER, "exp": exp}), key).unwrap()
}

/// Whether a login is good for the key of this name; `None`: there is none.
fn ask(keys: &Keys, token: &str) -> Result<Option<bool>, JwtError> {
    let issuers = [issuer("crm secret", ExpectedClaims::default())];
    let login = Plausible::read(token, &issuers, now())?;
    Ok(login.with_keys(keys).map(|user| user.is_ok()))
}

#[test]
fn a_login_signed_with_a_published_key_is_good_for_that_key_only() {
    let ec = EncodingKey::from_ec_der(&STANDARD.decode(EC).unwrap());
    let keys: Keys = serde_json::from_value(json!({"keys": [
        {"kty": "unheard of", "kid": "odd"},
        {"kty": "EC", "crv": "P-256", "kid": "one", "x": X, "y": Y},
        {"kty": "EC", "crv": "P-256", "kid": "two", "x": Y, "y": X},
    ]}))
    .unwrap();
    let named = |kid| ask(&keys, &token(Algorithm::ES256, Some(kid), &ec, 1500));
    assert_eq!(named("one"), Ok(Some(true)));
    assert_eq!(named("two"), Ok(Some(false)));
    assert_eq!(named("odd"), Ok(Some(false)));
    assert_eq!(named("unknown"), Ok(None));
    let unnamed = token(Algorithm::ES256, None, &ec, 1500);
    assert_eq!(ask(&keys, &unnamed), Err(JwtError::Invalid));
    let old = token(Algorithm::ES256, Some("one"), &ec, 900);
    assert_eq!(ask(&keys, &old), Err(JwtError::Expired));
    // The public key as if it were a shared secret.
    let confused = EncodingKey::from_secret(X.as_bytes());
    let confused = token(Algorithm::HS256, Some("one"), &confused, 1500);
    assert_eq!(ask(&keys, &confused), Ok(Some(false)));
    let found = with_secret(&confused, issuer("crm secret", ExpectedClaims::default()));
    assert_eq!(found, Err(JwtError::Invalid));
}

#[test]
fn ed25519_signs_logins_too_whatever_its_key_calls_it() {
    let ed = EncodingKey::from_ed_der(&STANDARD.decode(ED).unwrap());
    let good = token(Algorithm::EdDSA, Some("ed"), &ed, 1500);
    for (alg, curve, expected) in [
        (json!(null), "Ed25519", Some(true)),
        (json!("EdDSA"), "Ed25519", Some(true)),
        (json!("Ed25519"), "Ed25519", Some(true)),
        (json!("ES256"), "Ed25519", Some(false)),
        (json!("EdDSA"), "X25519", Some(false)),
        (json!("EdDSA"), "Ed448", Some(false)),
    ] {
        let key = json!({"kty": "OKP", "crv": curve, "kid": "ed", "alg": alg, "x": ED_X});
        let keys: Keys = serde_json::from_value(json!({"keys": [key]})).unwrap();
        assert_eq!(ask(&keys, &good), Ok(expected), "{alg} {curve}");
    }
    for strange in [X, "", "AAAA", &ED_X[..40]] {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": strange});
        let keys: Keys = serde_json::from_value(json!({"keys": [key]})).unwrap();
        assert_eq!(ask(&keys, &good), Ok(Some(false)), "{strange}");
    }
}

#[test]
fn a_user_is_called_by_an_address_or_by_a_name_with_the_id() {
    let long = "x".repeat(255);
    for (claims, called) in [
        (
            json!({"sub": "1", "email": "ann@crm.example", "name": "Ann"}),
            Some("ann@crm.example (1)"),
        ),
        (
            json!({"sub": "1", "email": "ann@crm.example", "email_verified": true}),
            Some("ann@crm.example"),
        ),
        (
            json!({"sub": "1", "email": "ann@crm.example", "email_verified": false}),
            Some("ann@crm.example (1)"),
        ),
        (
            json!({"sub": "1", "email": " ", "name": " Ann "}),
            Some("Ann (1)"),
        ),
        (
            json!({"sub": "1", "email": 5, "name": "Ann"}),
            Some("Ann (1)"),
        ),
        (json!({"sub": "1", "name": "a\nb"}), None),
        (json!({"sub": "1", "name": long}), None),
        (json!({"sub": "1"}), None),
    ] {
        let login = Login::new("token", &claims.to_string());
        assert_eq!(login.called().as_deref(), called, "{claims}");
    }
}

#[test]
fn a_login_lasts_until_its_end_and_never_less_than_no_time() {
    let now = DateTime::from_timestamp(1000, 0).unwrap();
    for (exp, left) in [
        (json!(1060), 60),
        (json!(1000), 0),
        (json!(900), 0),
        (Value::Null, 0),
    ] {
        let login = Login::new("token", &json!({"sub": "1", "exp": exp}).to_string());
        assert_eq!(login.seconds_left(now), left, "{exp}");
    }
}
