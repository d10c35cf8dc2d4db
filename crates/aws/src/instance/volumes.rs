//! The disks of an instance.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, Instance as Seen, Volume as SeenVolume,
};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Error, Fault, Result, tag};

use super::service::{CODES, Instances, filter};
use super::spec::{Volume, Volumes};
use crate::fault::{Explain, code};
use crate::tags;

impl Instances {
    /// Returns the volumes of instances, by instance id. `None`: the endpoint does not report them, the
    /// credentials may not read them, or the call failed and no spec needs them (`is_asked`).
    pub(super) async fn volumes(
        &self,
        ids: Vec<String>,
        is_asked: bool,
    ) -> Result<Option<HashMap<String, Volumes>>> {
        let request = self.ec2.describe_volumes();
        let request = request.filters(filter("attachment.instance-id", ids));
        let sent: Result<Vec<_>, _> = request.into_paginator().items().send().try_collect().await;
        let all = match sent.explain("DescribeVolumes", CODES) {
            Err(Error { fault: Fault::Unsupported | Fault::Denied, .. }) => return Ok(None),
            Err(_) if !is_asked => return Ok(None),
            answer => answer?,
        };
        let mut by_instance: HashMap<String, Volumes> = HashMap::new();
        for volume in &all {
            for at in volume.attachments() {
                let (Some(instance), Some(device)) = (at.instance_id(), at.device()) else {
                    continue;
                };
                let volume = Volume {
                    size: volume.size().unwrap_or_default(),
                    kind: volume.volume_type().map(|kind| kind.as_str()).unwrap_or_default().into(),
                    encrypted: volume.encrypted(),
                };
                let volumes = by_instance.entry(instance.to_owned()).or_default();
                volumes.insert(device.to_owned(), volume);
            }
        }
        Ok(Some(by_instance))
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
        if ours.is_empty() { Ok(()) } else { self.untag(ours, &tags::own()).await }
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
