//! Whether a disk of the file is the first one of its image, whose device the image alone knows.

use stackwright_engine::reference::is_reserved;

use super::service::Instances;
use super::spec::{Spec, Volumes};

/// The devices of first disks, as images have them.
const FIRST: [&str; 3] = ["/dev/xvda", "/dev/sda1", "/dev/sda"];

impl Instances {
    /// Returns a note on a disk that looks like the first one of the image and is another. An image that cannot
    /// be read is no error: the launch says what is wrong with it.
    pub(super) async fn beside_first_disk(&self, spec: &Spec) -> Option<String> {
        let (volumes, image) = (spec.volumes.as_ref()?, spec.image.as_ref()?);
        let is_asked = volumes.keys().any(|device| FIRST.contains(&device.as_str()));
        if !is_asked || is_reserved(image) {
            return None;
        }
        let reply = self.ec2.describe_images().image_ids(image).send().await.ok()?;
        beside(volumes, reply.images().first()?.root_device_name()?)
    }
}

/// Says that a disk is not the first one, whose device is `first`.
fn beside(volumes: &Volumes, first: &str) -> Option<String> {
    let device = volumes.keys().find(|device| FIRST.contains(&device.as_str()))?;
    let is_beside = !first.is_empty() && !volumes.contains_key(first);
    is_beside.then(|| {
        format!(
            "the disk `{device}` is an additional one: the first disk of the image is `{first}`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::spec::Volume;

    #[test]
    fn a_disk_that_looks_like_the_first_one_and_is_another_is_noted() {
        let volumes = |devices: &[&str]| -> Volumes {
            let volume = Volume { size: 8, kind: "gp3".to_owned(), encrypted: None };
            devices.iter().map(|&device| (device.to_owned(), volume.clone())).collect()
        };
        let note = beside(&volumes(&["/dev/sdf", "/dev/xvda"]), "/dev/sda1");
        let expected =
            "the disk `/dev/xvda` is an additional one: the first disk of the image is `/dev/sda1`";
        assert_eq!(note.as_deref(), Some(expected));
        for devices in [&["/dev/sda1"][..], &["/dev/sdf"], &["/dev/sda1", "/dev/xvda"]] {
            assert_eq!(beside(&volumes(devices), "/dev/sda1"), None, "{devices:?}");
        }
        assert_eq!(beside(&volumes(&["/dev/xvda"]), ""), None);
    }
}
