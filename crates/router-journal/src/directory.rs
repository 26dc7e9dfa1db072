//! The port [`Disk`] on a real directory.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
#[cfg(target_os = "linux")]
use nix::fcntl::{posix_fadvise, PosixFadviseAdvice};
use nix::fcntl::{Flock, FlockArg};

use crate::disk::{Access, Disk, DiskFile};

/// The name of the file that a writer locks. It stays when the journal is closed.
const LOCK_NAME: &str = "lock";

/// A directory on the file system.
#[derive(Clone, Debug)]
pub struct Directory {
    path: Arc<PathBuf>,
}

impl Directory {
    /// Opens a directory; it and its parents are created, durably, where they are missing.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        create(path.as_ref())?;
        Ok(Self {
            path: Arc::new(path.as_ref().to_path_buf()),
        })
    }
}

#[cfg(target_os = "linux")]
fn bypass(options: &mut OpenOptions) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(nix::fcntl::OFlag::O_DIRECT.bits());
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn bypass(_options: &mut OpenOptions) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Creates a directory so that no power cut takes it away with the journal in it.
fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = parent_of(path) {
        create(parent)?;
    }
    match fs::create_dir(path) {
        // Somebody else made it meanwhile, or the path ends in `..` or the like.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    sync_parent(path)
}

fn parent_of(path: &Path) -> Option<&Path> {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = parent_of(path).unwrap_or_else(|| Path::new("."));
    match File::open(parent).and_then(|parent| parent.sync_all()) {
        // Who may not read the directory above did not create this one.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

impl Disk for Directory {
    type File = File;
    type Lock = Flock<File>;

    fn lock(&self) -> io::Result<Option<Self::Lock>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path.join(LOCK_NAME))?;
        // An earlier process may have died between creating the directory and syncing its name.
        sync_parent(&self.path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(lock)),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno.into()),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path.as_path())? {
            // A name that is not UTF-8 cannot be one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str, access: Access) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        match access {
            Access::Read => {}
            Access::Write => {
                options.write(true);
            }
            Access::Bypass => bypass(options.write(true))?,
            Access::Create => {
                options.write(true).create(true).truncate(true);
            }
        }
        options.open(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(self.path.as_path())?.sync_all()
    }
}

impl DiskFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(target_os = "linux")]
    fn forget(&self) -> io::Result<()> {
        Ok(posix_fadvise(
            self,
            0,
            0,
            PosixFadviseAdvice::POSIX_FADV_DONTNEED,
        )?)
    }
}
