//! DescribeVolumes shows a modified disk as it was, for a number of reads; DescribeVolumesModifications
//! knows better.
//!
//! Source: "Request modifications to your EBS volumes" and "Monitor the progress of volume
//! modifications" in the EBS user guide: a modification is `modifying` before the volume has its new
//! size.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Response;

use super::{Answer, ApiRequest, Rule, Upstream};
use crate::kinds::text::texts;
use crate::proxy::refusal::error;

pub struct SlowDisks {
    lasts: usize,
    upstream: Upstream,
    modified: Mutex<HashMap<String, Modified>>,
}

struct Modified {
    before: String,
    after: String,
    /// How many reads still show it as it was.
    left: usize,
}

impl SlowDisks {
    pub fn new(lasts: usize, upstream: &Upstream) -> Self {
        Self { lasts, upstream: upstream.clone(), modified: Mutex::default() }
    }

    /// The size of a disk as the emulator has it.
    fn size(&self, id: &str) -> Option<String> {
        let xml = self.upstream.ec2(&format!("Action=DescribeVolumes&VolumeId.1={id}"));
        texts(&xml, "size").into_iter().next()
    }
}

impl Rule for SlowDisks {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let mut modified = self.modified.lock().unwrap_or_else(PoisonError::into_inner);
        if request.is("ec2", "ModifyVolume") {
            let (id, after) = (request.field("VolumeId")?, request.field("Size")?);
            let before = self.size(&id)?;
            modified.insert(id, Modified { before, after, left: self.lasts });
        }
        if !request.is("ec2", "DescribeVolumesModifications") {
            return None;
        }
        let asked = request.form().into_iter().filter(|(name, _)| name.starts_with("VolumeId."));
        if let Some((_, id)) = asked.into_iter().find(|(_, id)| !modified.contains_key(id)) {
            let said = format!("The volume '{id}' has no modification.");
            let code = "InvalidVolumeModification.NotFound";
            return Some(error(&request.operation, 400, code, &said));
        }
        let items: String = modified
            .iter()
            .filter(|(_, one)| one.left > 0)
            .map(|(id, one)| {
                format!(
                    "<item><volumeId>{id}</volumeId><modificationState>modifying</modificationState>\
                     <targetSize>{}</targetSize><targetVolumeType>gp3</targetVolumeType></item>",
                    one.after
                )
            })
            .collect();
        let body = format!(
            "<DescribeVolumesModificationsResponse><volumeModificationSet>{items}</volumeModificationSet>\
             </DescribeVolumesModificationsResponse>"
        );
        Some(Response::new(Bytes::from(body)))
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        if !request.is("ec2", "DescribeVolumes") {
            return false;
        }
        let mut modified = self.modified.lock().unwrap_or_else(PoisonError::into_inner);
        let mut body = String::from_utf8_lossy(answer.body()).into_owned();
        for (id, one) in modified.iter_mut().filter(|(_, one)| one.left > 0) {
            let now = format!("<size>{}</size>", one.after);
            let Some(at) = body.find(&format!("<volumeId>{id}</volumeId>")) else { continue };
            let (head, item) = body.split_at(at);
            body =
                head.to_owned() + &item.replacen(&now, &format!("<size>{}</size>", one.before), 1);
            one.left -= 1;
        }
        let is_changed = body.as_bytes() != answer.body();
        *answer.body_mut() = body.into();
        is_changed
    }
}
