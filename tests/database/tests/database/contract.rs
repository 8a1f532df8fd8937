//! The database, held to the store's contract.

use database_tests::PostgresStore;

macro_rules! tests {
    ($($subject:ident: $($check:ident),+;)+) => {
        $(mod $subject {
            $(#[tokio::test]
            async fn $check() {
                super::check(concat!(stringify!($subject), "::", stringify!($check))).await;
            })+
        })+
    };
}

store::store_checks!(tests);

async fn check(name: &str) {
    store::contract::check(name, PostgresStore::new().await).await;
}
