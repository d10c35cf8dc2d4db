//! What may be done to an instance depends on its power. moto changes a running one, and starts and
//! stops at once.

use stackwright_testkit::{Act, Emulator, Proxy, Rules};

use crate::ec2;

/// An instance, and the proxy that it is behind.
struct Instance<'a> {
    proxy: &'a Proxy,
    id: String,
}

impl Instance<'_> {
    fn new(proxy: &Proxy) -> Instance<'_> {
        let launch = "Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1";
        let (status, made) = ec2(proxy, &format!("{launch}&InstanceType=t2.micro"));
        assert_eq!(status, 200, "{made}");
        let id = made.split("<instanceId>").nth(1).unwrap().split('<').next().unwrap();
        Instance { proxy, id: id.to_owned() }
    }

    fn state(&self) -> String {
        let form = format!("Action=DescribeInstances&InstanceId.1={}", self.id);
        let (_, seen) = ec2(self.proxy, &form);
        let state = seen.split("<instanceState>").nth(1).unwrap();
        state.split("<name>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    }

    fn states(&self, many: usize) -> Vec<String> {
        (0..many).map(|_| self.state()).collect()
    }

    fn ask(&self, action: &str, more: &str) -> (u16, String) {
        let id = if action == "ModifyInstanceAttribute" { "InstanceId" } else { "InstanceId.1" };
        ec2(self.proxy, &format!("Action={action}&{id}={}{more}", self.id))
    }

    #[track_caller]
    fn does(&self, action: &str, more: &str) {
        let (status, said) = self.ask(action, more);
        assert_eq!(status, 200, "{said}");
    }

    #[track_caller]
    fn refuses(&self, action: &str, more: &str, with: &str) {
        let (status, said) = self.ask(action, more);
        assert_eq!(status, 400, "{said}");
        assert!(said.contains("<Code>IncorrectInstanceState</Code>"), "{said}");
        assert!(said.contains(&self.id) && said.contains(with), "{said}");
    }
}

const TYPE: &str = "&InstanceType.Value=t2.small";

#[test]
fn a_running_instance_refuses_changes_that_need_a_stop() {
    let emulator = Emulator::moto().start();
    let rules = Rules { power: Some(0), ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |_| Act::Pass);
    let instance = Instance::new(&proxy);
    let stopped = "is not in the 'stopped' state";
    for more in [TYPE, "&UserData.Value=YQ%3D%3D", "&Attribute=instanceType&Value=t2.small"] {
        instance.refuses("ModifyInstanceAttribute", more, stopped);
    }
    instance.does("ModifyInstanceAttribute", "&DisableApiTermination.Value=false");
    instance.does("StopInstances", "");
    instance.does("ModifyInstanceAttribute", TYPE);
    instance.does("StartInstances", "");
    instance.refuses("ModifyInstanceAttribute", TYPE, stopped);
    assert_eq!(instance.state(), "running");
}

#[test]
fn a_start_and_a_stop_last_for_the_configured_number_of_reads() {
    let emulator = Emulator::moto().start();
    let rules = Rules { power: Some(2), ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |_| Act::Pass);
    let instance = Instance::new(&proxy);
    instance.refuses("StopInstances", "", "it has never reached the 'running' state");
    assert_eq!(instance.states(3), ["pending", "pending", "running"]);
    instance.does("StartInstances", "");
    assert_eq!(instance.state(), "running", "it is running");
    instance.does("StopInstances", "");
    instance.refuses("StartInstances", "", "is not in a state from which it can be started");
    instance.refuses("ModifyInstanceAttribute", TYPE, "is not in the 'stopped' state");
    instance.does("StopInstances", "");
    assert_eq!(instance.states(3), ["stopping", "stopping", "stopped"]);
    instance.does("ModifyInstanceAttribute", TYPE);
    instance.does("StartInstances", "");
    assert_eq!(instance.states(3), ["pending", "pending", "running"]);
    instance.does("StopInstances", "");
    instance.does("TerminateInstances", "");
    assert_eq!(instance.state(), "terminated", "nothing is on its way any more");
}
