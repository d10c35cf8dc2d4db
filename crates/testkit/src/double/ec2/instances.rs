//! Instances. They run as soon as they are created, and each has one disk.

use super::groups::DEFAULT_GROUP;
use super::{Answer, DONE, Ec2, Filters, page, render};
use crate::double::form::Form;
use crate::proxy::Refusal;

const GONE: Refusal =
    Refusal::new(400, "InvalidInstanceID.NotFound").saying("the instance does not exist");
const STATE: Refusal = Refusal::new(400, "IncorrectInstanceState")
    .saying("the instance is not in a state in which this is possible");
const PROTECTED: Refusal =
    Refusal::new(400, "OperationNotPermitted").saying("the instance may not be terminated");

#[derive(Clone, Debug)]
pub struct Instance {
    pub image: String,
    pub kind: String,
    pub key_name: Option<String>,
    pub subnet: String,
    /// The name of its profile.
    pub profile: Option<String>,
    pub groups: Vec<String>,
    pub power: Power,
    pub is_monitored: bool,
    pub is_protected: bool,
    pub tokens: String,
    pub hop_limit: String,
}

/// The state of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Running,
    Stopped,
    Terminated,
}

impl Power {
    /// The code and the name of the state.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Running => ("16", "running"),
            Self::Stopped => ("80", "stopped"),
            Self::Terminated => ("48", "terminated"),
        }
    }
}

impl Instance {
    pub fn is_terminated(&self) -> bool {
        self.power == Power::Terminated
    }

    fn of(form: &Form) -> Self {
        let text = |name: &str, otherwise: &str| form.get(name).unwrap_or(otherwise).to_owned();
        let profile = form.get("IamInstanceProfile.Name");
        let mut groups: Vec<String> =
            form.list("SecurityGroupId").into_iter().map(str::to_owned).collect();
        if groups.is_empty() {
            groups.push(DEFAULT_GROUP.to_owned());
        }
        Self {
            image: text("ImageId", ""),
            kind: text("InstanceType", "m1.small"),
            key_name: form.get("KeyName").map(str::to_owned),
            subnet: text("SubnetId", "subnet-00000000000000001"),
            profile: profile.map(str::to_owned),
            groups,
            power: Power::Running,
            is_monitored: form.text("Monitoring.Enabled") == "true",
            is_protected: form.text("DisableApiTermination") == "true",
            tokens: text("MetadataOptions.HttpTokens", "optional"),
            hop_limit: text("MetadataOptions.HttpPutResponseHopLimit", "1"),
        }
    }
}

impl Ec2 {
    pub(super) fn of_instances(&mut self, name: &str, form: &Form) -> Option<Answer> {
        Some(match name {
            "RunInstances" => self.run(form),
            "DescribeInstances" => self.describe_instances(form),
            "DescribeVolumes" => self.describe_volumes(form),
            "DescribeInstanceAttribute" => self.attribute(form),
            "ModifyInstanceAttribute" => self.modify(form),
            "ModifyNetworkInterfaceAttribute" => self.modify_interface(form),
            "ModifyInstanceMetadataOptions" => self.with_instance(form.text("InstanceId"), |one| {
                set(&mut one.tokens, form.get("HttpTokens"));
                set(&mut one.hop_limit, form.get("HttpPutResponseHopLimit"));
                Ok(())
            }),
            "MonitorInstances" => self.with_instances(form, |one| {
                one.is_monitored = true;
                Ok(())
            }),
            "UnmonitorInstances" => self.with_instances(form, |one| {
                one.is_monitored = false;
                Ok(())
            }),
            "StartInstances" => self.with_instances(form, |one| turn(one, Power::Running)),
            "StopInstances" => self.with_instances(form, |one| turn(one, Power::Stopped)),
            "TerminateInstances" => self.terminate(form),
            "DescribeIamInstanceProfileAssociations" => {
                Ok("<iamInstanceProfileAssociationSet/>".to_owned())
            }
            _ => return None,
        })
    }

    fn run(&mut self, form: &Form) -> Answer {
        if form.has("BlockDeviceMapping") {
            return Err(Refusal::new(400, "UnsupportedOperation")
                .saying("instances of the double have the disk of their image alone"));
        }
        let token = form.text("ClientToken");
        let id = match self.tokens.get(token) {
            Some(id) if !token.is_empty() => id.clone(),
            _ => {
                let instance = Instance::of(form);
                let known =
                    |group: &String| group == DEFAULT_GROUP || self.groups.get(group).is_some();
                if !instance.groups.iter().all(known) {
                    return Err(super::groups::GONE);
                }
                self.use_groups(&instance.groups, true);
                let id = self.new_id("i");
                // The same tags are asked for the disk, in a specification of its own.
                self.instances.insert(&id, instance, form.tags("TagSpecification.1.Tag"));
                self.tokens.insert(token.to_owned(), id.clone());
                id
            }
        };
        let selection = super::Selection { ids: Some(vec![&id]), ..Default::default() };
        let all = self.instances.select(&selection).map(render::instance);
        Ok(render::reservation(&id, &all.collect::<String>()))
    }

    fn describe_instances(&self, form: &Form) -> Answer {
        let mut filters = Filters::of(form);
        let states = filters.take("instance-state-name");
        let selection = filters.selection(form.list("InstanceId"), "instance-id")?;
        let is_asked =
            |power: Power| states.as_ref().is_none_or(|all| all.contains(&power.names().1));
        let found = self.instances.select(&selection).filter(|(_, one, _)| is_asked(one.power));
        let (page, next) = page(found, form);
        let items = page.into_iter().map(|one| {
            format!("<item>{}</item>", render::reservation(one.0, &render::instance(one)))
        });
        Ok(format!("<reservationSet>{}</reservationSet>{next}", items.collect::<String>()))
    }

    fn describe_volumes(&self, form: &Form) -> Answer {
        let filters = Filters::of(form);
        let selection = filters.selection(Vec::new(), "attachment.instance-id")?;
        let found = self.instances.select(&selection).filter(|(_, one, _)| !one.is_terminated());
        let (page, next) = page(found, form);
        let items: String = page.into_iter().map(render::volume).collect();
        Ok(format!("<volumeSet>{items}</volumeSet>{next}"))
    }

    fn attribute(&self, form: &Form) -> Answer {
        let id = form.text("InstanceId");
        let instance = self.instances.get(id).ok_or(GONE)?;
        let is_on = instance.is_protected;
        Ok(format!(
            "<instanceId>{id}</instanceId>\
             <disableApiTermination><value>{is_on}</value></disableApiTermination>"
        ))
    }

    fn modify(&mut self, form: &Form) -> Answer {
        let id = form.text("InstanceId");
        let groups = form.list("GroupId");
        if !groups.is_empty() {
            return self.set_groups(id, &groups);
        }
        self.with_instance(id, |one| {
            if form.get("InstanceType.Value").is_some() && one.power == Power::Running {
                return Err(STATE);
            }
            set(&mut one.kind, form.get("InstanceType.Value"));
            if let Some(is_on) = form.get("DisableApiTermination.Value") {
                one.is_protected = is_on == "true";
            }
            Ok(())
        })
    }

    /// Sets the groups of an instance by the id of its interface.
    fn modify_interface(&mut self, form: &Form) -> Answer {
        let id = form.text("NetworkInterfaceId").replacen("eni-", "i-", 1);
        self.set_groups(&id, &form.list("SecurityGroupId"))
    }

    fn set_groups(&mut self, id: &str, groups: &[&str]) -> Answer {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        let instance = self.instances.get_mut(id).ok_or(GONE)?;
        let former = std::mem::replace(&mut instance.groups, groups.clone());
        self.use_groups(&former, false);
        self.use_groups(&groups, true);
        Ok(DONE.to_owned())
    }

    fn terminate(&mut self, form: &Form) -> Answer {
        let mut items = String::new();
        for id in form.list("InstanceId") {
            let instance = self.instances.get_mut(id).ok_or(GONE)?;
            if instance.is_protected {
                return Err(PROTECTED);
            }
            if !instance.is_terminated() {
                instance.power = Power::Terminated;
                let groups = std::mem::take(&mut instance.groups);
                self.use_groups(&groups, false);
            }
            items.push_str(&render::terminated(id));
        }
        Ok(format!("<instancesSet>{items}</instancesSet>"))
    }

    fn with_instances(
        &mut self,
        form: &Form,
        change: impl Fn(&mut Instance) -> Result<(), Refusal>,
    ) -> Answer {
        for id in form.list("InstanceId") {
            self.with_instance(id, &change)?;
        }
        Ok("<instancesSet/>".to_owned())
    }

    fn with_instance(
        &mut self,
        id: &str,
        change: impl Fn(&mut Instance) -> Result<(), Refusal>,
    ) -> Answer {
        let instance = self.instances.get_mut(id).filter(|one| !one.is_terminated());
        change(instance.ok_or(GONE)?).map(|()| DONE.to_owned())
    }
}

fn turn(instance: &mut Instance, power: Power) -> Result<(), Refusal> {
    instance.power = power;
    Ok(())
}

fn set(field: &mut String, value: Option<&str>) {
    if let Some(value) = value {
        *field = value.to_owned();
    }
}
