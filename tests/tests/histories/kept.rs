//! Histories that once broke a promise. A file in `kept` is one, as `cargo local soak` printed it, named
//! for what it is about.

use std::path::Path;
use tests::history::{Story, live};
use tests::inprocess::Database;

#[tokio::test]
async fn what_once_broke_a_promise_keeps_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/kept");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut database = Database::new().await.unwrap();
    for file in files {
        let story = Story::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let lived;
        (database, lived) = live(database, &story).await.unwrap();
        if let Err(violation) = lived {
            panic!(
                "{}: {}\n{}",
                file.display(),
                violation.promise,
                violation.found
            );
        }
    }
}
