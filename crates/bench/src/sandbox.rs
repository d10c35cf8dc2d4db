//! A folder with a stack, and the program that works on it.

use std::fs;
use std::path::{Path, PathBuf};

use stackwright_testkit::{Double, certificates};
use tempfile::TempDir;

use crate::Result;
use crate::process::{Program, Ran, size};

/// What a function's code is where only its size matters.
const CODE: &str = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'done'}\n";

/// The file with the authority that has signed the certificates of the double in the place of AWS.
const AUTHORITY: &str = "authority.pem";

/// A folder with a stack file. Removed when dropped.
pub struct Sandbox {
    folder: TempDir,
    binary: PathBuf,
    /// The port of the local cloud.
    port: u16,
    /// After so many seconds a run is stopped.
    limit: f64,
    access: Access,
}

/// How the cloud is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// As an endpoint on its port.
    Endpoint,
    /// In the place of AWS's hosts.
    Aws,
}

impl Sandbox {
    /// A folder with this stack file and the folder `code`, against the cloud on `port`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(binary: &Path, port: u16, limit: f64, stack: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("code"))?;
        fs::write(folder.path().join("code/app.py"), CODE)?;
        fs::write(folder.path().join("stack.yaml"), stack)?;
        Ok(Self { folder, binary: binary.to_owned(), port, limit, access: Access::Endpoint })
    }

    /// A copy of the repository's stack and its code.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn sample(binary: &Path, port: u16, limit: f64) -> Result<Self> {
        let root = crate::machine::root();
        let sandbox =
            Self::new(binary, port, limit, &fs::read_to_string(root.join("stack.yaml"))?)?;
        fs::create_dir(sandbox.path("handler"))?;
        let code = "handler/lambda_function.py";
        fs::copy(root.join(code), sandbox.path(code))?;
        Ok(sandbox)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the stack file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, stack: &str) -> Result<()> {
        Ok(fs::write(self.path("stack.yaml"), stack)?)
    }

    /// Replaces a text in the stack file that must be there.
    ///
    /// # Errors
    /// It is not there, or the file cannot be written.
    pub fn edit(&self, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(self.path("stack.yaml"))?;
        if !text.contains(from) {
            return Err(format!("`{from}` is not in stack.yaml").into());
        }
        self.write(&text.replace(from, to))
    }

    /// Runs the program with these arguments.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let without_cloud = ["validate", "--version", "schema"];
        let cloud: &[&str] = match arguments {
            _ if self.access == Access::Aws => &[],
            [command, ..] if without_cloud.contains(command) => &[],
            _ => &["--cloud", &url],
        };
        let binary = self.binary.display().to_string();
        let command = [&[binary.as_str()], arguments, cloud].concat();
        let program = Program {
            command: command.into_iter().map(str::to_owned).collect(),
            folder: self.folder.path().to_owned(),
            variables: self.variables(),
            limit: self.limit,
            watched: Some(self.state("journal.jsonl")),
        };
        program.run()
    }

    /// The environment of a run, which has nothing of the machine's own but the path.
    fn variables(&self) -> Vec<(String, String)> {
        let folder = |name: &str| self.path(name).display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut variables = vec![
            ("PATH", path),
            ("HOME", folder("")),
            ("XDG_CACHE_HOME", folder(".cache")),
            // The program need not search for the local cloud.
            ("STACKWRIGHT_LOCAL_PORT", self.port.to_string()),
        ];
        if self.access == Access::Aws {
            variables.extend([
                ("HTTPS_PROXY", format!("http://127.0.0.1:{}", self.port)),
                ("AWS_CA_BUNDLE", folder(AUTHORITY)),
                ("AWS_ACCESS_KEY_ID", "test".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ]);
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A file of the state.
    fn state(&self, name: &str) -> PathBuf {
        let stacks = fs::read_dir(self.path(".stackwright")).into_iter().flatten().flatten();
        let mut folders =
            stacks.map(|stack| stack.path().join("local")).filter(|path| path.is_dir());
        let known = folders.next().unwrap_or_else(|| self.path(".stackwright/scale/local"));
        known.join(name)
    }

    /// The size of the snapshot, in bytes.
    pub fn state_size(&self) -> u64 {
        size(&self.state("state.json"))
    }
}

/// A sandbox whose program reaches the double in the place of AWS's hosts. Its stack must have `cloud: aws`.
///
/// # Errors
/// The folder cannot be written.
pub fn in_place_of_aws(double: &Double, binary: &Path, limit: f64, stack: &str) -> Result<Sandbox> {
    let sandbox = beside(double, binary, limit, stack)?;
    fs::write(sandbox.path(AUTHORITY), &certificates().authority)?;
    Ok(Sandbox { access: Access::Aws, ..sandbox })
}

/// A sandbox whose local cloud is the double.
///
/// # Errors
/// The folder cannot be written.
pub fn beside(double: &Double, binary: &Path, limit: f64, stack: &str) -> Result<Sandbox> {
    Sandbox::new(binary, double.port(), limit, stack)
}
