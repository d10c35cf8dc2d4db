//! The disks of an instance.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, Instance as Seen, Volume as SeenVolume,
    VolumeModificationState,
};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Error, Fault, Handle, Result, tag};

use super::service::{CODES, Instances};
use super::spec::{Spec, Volume, Volumes};
use crate::ec2::{self, filter};
use crate::fault::{Explain, code};
use crate::tags;

impl Instances {
    /// Returns the volumes of the instances of `handles`, by instance id. `None`: the endpoint does not report
    /// them, the credentials may not read them, or the call failed and no spec needs them.
    pub(super) async fn volumes(
        &self,
        handles: &[Handle<Spec>],
    ) -> Result<Option<HashMap<String, Volumes>>> {
        let ids = handles.iter().map(|handle| handle.id.clone());
        let is_needed = |handle: &Handle<Spec>| {
            handle.applied.as_ref().is_none_or(|spec| spec.volumes.is_some())
        };
        let is_asked = handles.iter().any(is_needed);
        let request = self.ec2.describe_volumes();
        let request = request.filters(filter("attachment.instance-id", ids));
        let sent: Result<Vec<_>, _> = request.into_paginator().items().send().try_collect().await;
        let all = match sent.explain("DescribeVolumes", CODES) {
            Err(Error { fault: Fault::Unsupported | Fault::Denied, .. }) => return Ok(None),
            Err(_) if !is_asked => return Ok(None),
            answer => answer?,
        };
        let mut by_instance: HashMap<String, Volumes> = HashMap::new();
        let mut unlike: Vec<Disk> = Vec::new();
        for seen in &all {
            for at in seen.attachments() {
                let (Some(instance), Some(device)) = (at.instance_id(), at.device()) else {
                    continue;
                };
                let volume = volume(seen);
                let applied = handles.iter().find(|handle| handle.id == instance);
                let applied = applied.and_then(|handle| handle.applied.as_ref()?.volumes.as_ref());
                let applied = applied.and_then(|volumes| volumes.get(device));
                if applied.is_some_and(|it| (it.size, &it.kind) != (volume.size, &volume.kind)) {
                    let id = seen.volume_id().unwrap_or_default().to_owned();
                    unlike.push(Disk {
                        id,
                        instance: instance.to_owned(),
                        device: device.to_owned(),
                    });
                }
                let volumes = by_instance.entry(instance.to_owned()).or_default();
                volumes.insert(device.to_owned(), volume);
            }
        }
        if !unlike.is_empty() {
            self.under_way(&unlike, &mut by_instance).await;
        }
        Ok(Some(by_instance))
    }

    /// Takes modifications for done that EC2 has accepted: until it is done, DescribeVolumes shows a disk as it
    /// was. Where this cannot be read, that stays.
    async fn under_way(&self, disks: &[Disk], seen: &mut HashMap<String, Volumes>) {
        let ids: Vec<String> = disks.iter().map(|disk| disk.id.clone()).collect();
        // By ids, one disk that was never modified would fail the whole call.
        let request = self.ec2.describe_volumes_modifications().filters(filter("volume-id", ids));
        let Ok(reply) = request.send().await else { return };
        for modification in reply.volumes_modifications() {
            let is_under_way = matches!(
                modification.modification_state(),
                Some(VolumeModificationState::Modifying | VolumeModificationState::Optimizing)
            );
            let mut disks = disks.iter();
            let disk = disks.find(|disk| Some(disk.id.as_str()) == modification.volume_id());
            let Some(disk) = disk.filter(|_| is_under_way) else { continue };
            let volumes = seen.get_mut(&disk.instance);
            let Some(volume) = volumes.and_then(|all| all.get_mut(&disk.device)) else { continue };
            volume.size = modification.target_size().unwrap_or(volume.size);
            if let Some(kind) = modification.target_volume_type() {
                volume.kind = kind.as_str().to_owned();
            }
        }
    }

    /// Removes this stack's ownership tags from the disks of an instance. Disks that others attached
    /// have none, or those of another stack.
    pub(super) async fn untag_volumes(&self, id: &str, stack: &str) -> Result<()> {
        let request = self.ec2.describe_volumes();
        let request = request.filters(filter("attachment.instance-id", [id.to_owned()]));
        let sent: Result<Vec<_>, _> = request.into_paginator().items().send().try_collect().await;
        let all = match sent.explain("DescribeVolumes", CODES) {
            Err(Error { fault: Fault::Unsupported, .. }) => return Ok(()),
            answer => answer?,
        };
        // An endpoint may ignore the filter: foreign disks must not be untagged.
        let is_ours = |volume: &SeenVolume| {
            let of_stack =
                tags::from_ec2(volume.tags()).get(tag::STACK).is_some_and(|it| it == stack);
            of_stack && volume.attachments().iter().any(|at| at.instance_id() == Some(id))
        };
        let ours = all.into_iter().filter(is_ours).filter_map(|volume| volume.volume_id);
        let ours: Vec<String> = ours.collect();
        if ours.is_empty() {
            return Ok(());
        }
        ec2::remove_tags(&self.ec2, ours, &tags::own(), CODES).await
    }

    /// Sets size and type of each disk that differs. EC2 does it in the background, while the disk is
    /// in use.
    pub(super) async fn set_volumes(
        &self,
        now: &Seen,
        desired: Option<&Volumes>,
        changes: &[Change],
    ) -> Result<()> {
        let changed = changes.iter().filter(|change| change.path.field() == "volumes");
        let devices: BTreeSet<&String> =
            changed.filter_map(|change| change.path.0.get(1)).collect();
        for device in devices {
            let mapping = now.block_device_mappings().iter();
            let mut mapping = mapping.filter(|one| one.device_name() == Some(device));
            let id = mapping.next().and_then(|one| one.ebs()?.volume_id());
            let (Some(id), Some(volume)) = (id, desired.and_then(|all| all.get(device))) else {
                continue;
            };
            let request = self.ec2.modify_volume().volume_id(id).size(volume.size);
            let sent = request.volume_type(volume.kind.as_str().into()).send().await;
            let code = sent.as_ref().err().and_then(code).unwrap_or_default().to_owned();
            sent.map(drop).explain("ModifyVolume", CODES).map_err(|error| match code.as_str() {
                "VolumeModificationRateExceeded" => {
                    error.with_hint("EC2 changes a disk at most four times a day: run again later")
                }
                _ => error,
            })?;
        }
        Ok(())
    }
}

/// A disk that differs from what was applied.
struct Disk {
    id: String,
    instance: String,
    device: String,
}

fn volume(seen: &SeenVolume) -> Volume {
    Volume {
        size: seen.size().unwrap_or_default(),
        kind: seen.volume_type().map(|kind| kind.as_str()).unwrap_or_default().into(),
        encrypted: seen.encrypted(),
    }
}

/// Returns the disks for a launch, to be deleted with the instance.
pub(super) fn mappings(volumes: Option<&Volumes>) -> Option<Vec<BlockDeviceMapping>> {
    let mapping = |(device, volume): (&String, &Volume)| {
        let disk = EbsBlockDevice::builder()
            .volume_size(volume.size)
            .volume_type(volume.kind.as_str().into())
            .set_encrypted(volume.encrypted)
            .delete_on_termination(true);
        BlockDeviceMapping::builder().device_name(device).ebs(disk.build()).build()
    };
    volumes.map(|volumes| volumes.iter().map(mapping).collect())
}
