//! Writes results as the JSON of Neon's answers.

use postgres_protocol::message::backend::{DataRowBody, RowDescriptionBody};
use serde::Serialize;
use serde_json::json;
use tokio_postgres::fallible_iterator::FallibleIterator;
use tokio_postgres::types::Type;

use super::LIMIT;
use super::array;
use super::failure::Failure;
use super::request::Options;

/// An answer in the making.
pub struct Answer {
    json: Vec<u8>,
    raw_text: bool,
    array_mode_by_default: bool,
    is_batch: bool,
    results: usize,
    rows: usize,
    array_mode: bool,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    /// `None` for a type that the server defined itself.
    kind: Option<Type>,
}

impl Answer {
    pub fn new(options: &Options, is_batch: bool) -> Self {
        Self {
            json: if is_batch {
                br#"{"results":["#.to_vec()
            } else {
                Vec::new()
            },
            raw_text: options.raw_text,
            array_mode_by_default: options.array_mode,
            is_batch,
            results: 0,
            rows: 0,
            array_mode: false,
            columns: Vec::new(),
        }
    }

    /// Begins one statement's result.
    pub fn begin(&mut self, array_mode: Option<bool>) {
        if self.results > 0 {
            self.json.push(b',');
        }
        self.results += 1;
        self.rows = 0;
        self.array_mode = array_mode.unwrap_or(self.array_mode_by_default);
        self.json
            .extend(format!(r#"{{"rowAsArray":{},"fields":"#, self.array_mode).as_bytes());
    }

    pub fn no_fields(&mut self) {
        self.columns.clear();
        self.json.extend(br#"[],"rows":["#);
    }

    pub fn fields(&mut self, description: &RowDescriptionBody) -> Result<(), Failure> {
        self.columns.clear();
        let mut fields = description.fields();
        let mut described = Vec::new();
        while let Some(field) = fields.next().map_err(|error| Failure::broken(&error))? {
            described.push(json!({
                "name": field.name(),
                "dataTypeID": field.type_oid(),
                "tableID": field.table_oid(),
                "columnID": field.column_id(),
                "dataTypeSize": field.type_size(),
                "dataTypeModifier": field.type_modifier(),
                "format": "text",
            }));
            self.columns.push(Column {
                name: field.name().to_owned(),
                kind: Type::from_oid(field.type_oid()),
            });
        }
        write(&mut self.json, &described);
        self.json.extend(br#","rows":["#);
        Ok(())
    }

    pub fn row(&mut self, row: &DataRowBody) -> Result<(), Failure> {
        let (open, close) = if self.array_mode {
            (b'[', b']')
        } else {
            (b'{', b'}')
        };
        if self.rows > 0 {
            self.json.push(b',');
        }
        self.rows += 1;
        self.json.push(open);
        let mut ranges = row.ranges();
        for (index, column) in self.columns.iter().enumerate() {
            let range = ranges
                .next()
                .map_err(|error| Failure::broken(&error))?
                .flatten();
            if index > 0 {
                self.json.push(b',');
            }
            if !self.array_mode {
                write(&mut self.json, &column.name);
                self.json.push(b':');
            }
            let text = range
                .map(|range| std::str::from_utf8(&row.buffer()[range]))
                .transpose();
            let text = text.map_err(|_| Failure::internal("could not parse postgres response"))?;
            match (text, &column.kind) {
                (Some(text), Some(kind)) if !self.raw_text => value(&mut self.json, text, kind)?,
                (text, _) => write(&mut self.json, &text),
            }
        }
        self.json.push(close);
        if self.json.len() > LIMIT {
            return Err(Failure::response_too_large());
        }
        Ok(())
    }

    /// Ends one statement's result with its command tag, such as `INSERT 0 1`.
    pub fn end(&mut self, tag: &str) {
        let (command, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        // INSERT puts an object id before the count.
        let count = if command == "INSERT" {
            rest.split_once(' ').map_or("", |(_, count)| count)
        } else {
            rest
        };
        self.json.extend(br#"],"command":"#);
        write(&mut self.json, &command);
        self.json.extend(br#","rowCount":"#);
        write(&mut self.json, &count.parse::<i64>().ok());
        self.json.push(b'}');
    }

    pub fn finish(mut self) -> Vec<u8> {
        if self.is_batch {
            self.json.extend(b"]}");
        }
        self.json
    }
}

/// Writes a value as JSON where JSON has the type, else as a string.
pub fn value(json: &mut Vec<u8>, text: &str, kind: &Type) -> Result<(), Failure> {
    let unreadable = || Failure::internal("could not parse postgres response");
    if let tokio_postgres::types::Kind::Array(item) = kind.kind() {
        return array::write(json, text, item);
    }
    match *kind {
        Type::BOOL => write(json, &(text == "t")),
        Type::INT2 | Type::INT4 => write(json, &text.parse::<i32>().map_err(|_| unreadable())?),
        Type::FLOAT4 | Type::FLOAT8 => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => write(json, &number),
            Ok(_) | Err(_) => write(json, &text),
        },
        Type::JSON | Type::JSONB => json.extend(text.as_bytes()),
        _ => write(json, &text),
    }
    Ok(())
}

/// Writes what cannot fail to be written: texts, numbers, lists of them.
pub fn write<T: Serialize>(json: &mut Vec<u8>, value: &T) {
    let _ = serde_json::to_writer(json, value);
}
