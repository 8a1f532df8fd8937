//! Spin's manifest, version 2, as far as this host runs it: HTTP triggers, variables, components from
//! a local file. What it does not know it refuses, so that nothing passes here by being ignored.
//!
//! Reference: <https://spinframework.dev/manifest-reference>.

use super::allowed::AllowedHosts;
use super::template::{Template, is_name};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A manifest that has been read and found right.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The application's name.
    pub name: String,
    /// The application's variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// Which component answers which path, in the manifest's order.
    pub routes: Vec<Route>,
    /// The components by their ids.
    pub components: BTreeMap<String, Component>,
}

/// A variable of the application.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its value when nobody gives another.
    #[serde(default)]
    pub default: Option<String>,
    /// Somebody has to give it a value.
    #[serde(default)]
    pub required: bool,
    /// Its value must not be shown.
    #[serde(default)]
    pub secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

/// A path and who answers it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The path; `/...` at its end stands for whatever follows.
    pub route: String,
    /// The component's id.
    pub component: String,
}

/// A component.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its file, relative to the application's root.
    pub source: PathBuf,
    /// Its variables, made of the application's.
    pub variables: BTreeMap<String, Template>,
    /// Whom it may call.
    pub allowed_outbound_hosts: Vec<Template>,
    /// The environment variables that it sees.
    pub environment: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    spin_manifest_version: u32,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    trigger: Triggers,
    component: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(default, rename = "version")]
    _version: Option<String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    http: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    source: PathBuf,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "build")]
    _build: Option<IgnoredAny>,
}

impl Manifest {
    /// Reads the manifest at `path`.
    ///
    /// # Errors
    /// One sentence with the file's name when it cannot be read or Spin would refuse it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).map_err(|error| anyhow!("{}: {error:#}", path.display()))
    }

    /// Reads a manifest's text.
    ///
    /// # Errors
    /// One sentence when Spin would refuse it.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text[..start].matches('\n').count() + 1;
            anyhow!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        ensure!(
            file.spin_manifest_version == 2,
            "spin_manifest_version is not 2"
        );
        for (name, variable) in &file.variables {
            ensure!(is_name(name), "`{name}` is no variable's name");
            ensure!(
                variable.required != variable.default.is_some(),
                "variable `{name}` needs either a default or `required = true`"
            );
        }
        let components = file
            .component
            .into_iter()
            .map(|(id, entry)| {
                let component = entry.read(&file.variables);
                let component = component.with_context(|| format!("component `{id}`"))?;
                Ok((id, component))
            })
            .collect::<Result<BTreeMap<_, _>>>()?;
        for route in &file.trigger.http {
            ensure!(
                components.contains_key(&route.component),
                "route `{}` names the component `{}`, which there is not",
                route.route,
                route.component
            );
        }
        Ok(Self {
            name: file.application.name,
            variables: file.variables,
            routes: file.trigger.http,
            components,
        })
    }

    /// The values of the application's variables: the caller's, else `SPIN_VARIABLE_<NAME>` from
    /// `environment`, else the default.
    ///
    /// # Errors
    /// When a required one has none, or the caller gives one that the manifest does not know.
    pub fn values(
        &self,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>> {
        for name in given.keys() {
            if !self.variables.contains_key(name) {
                bail!("the manifest has no variable `{name}`");
            }
        }
        self.variables
            .iter()
            .map(|(name, variable)| {
                let in_environment = format!("SPIN_VARIABLE_{}", name.to_uppercase());
                let value = given
                    .get(name)
                    .cloned()
                    .or_else(|| environment(&in_environment))
                    .or_else(|| variable.default.clone())
                    .with_context(|| {
                        format!("variable `{name}` is required: set {in_environment}")
                    })?;
                Ok((name.clone(), value))
            })
            .collect()
    }
}

impl Entry {
    fn read(self, known: &BTreeMap<String, Variable>) -> Result<Component> {
        let template = |text: &str| {
            let template = Template::parse(text)?;
            for name in template.variables() {
                ensure!(known.contains_key(name), "there is no variable `{name}`");
            }
            Ok(template)
        };
        let hosts = self
            .allowed_outbound_hosts
            .iter()
            .map(|host| template(host));
        let hosts = hosts.collect::<Result<Vec<_>>>()?;
        // Spin checks what it can at load: an entry made of defaults has to be right already.
        let defaults = known.iter().filter_map(|(name, variable)| {
            let default = variable.default.clone()?;
            Some((name.clone(), default))
        });
        let defaults = defaults.collect();
        AllowedHosts::parse(hosts.iter().filter_map(|host| host.fill(&defaults)))?;
        let mut variables = BTreeMap::new();
        for (name, text) in &self.variables {
            ensure!(is_name(name), "`{name}` is no variable's name");
            variables.insert(name.clone(), template(text)?);
        }
        Ok(Component {
            source: self.source,
            variables,
            allowed_outbound_hosts: hosts,
            environment: self.environment,
        })
    }
}
