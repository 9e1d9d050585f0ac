//! The bodies of a story's events, with the fields that ECS sends.

use portolan_model::Timestamp;
use serde_json::json;

use super::{Line, TrueTask, tag};

fn moment(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

/// An identity that depends on what it is for alone.
fn id(parts: &str) -> String {
    let hex = portolan_model::Digest::of(parts.as_bytes()).to_string();
    let hex = hex.trim_start_matches("sha256:");
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

pub(super) fn rollout(line: &Line<'_>, deployment: &str, state: &str, reason: &str) -> String {
    let Line { account, service, now, .. } = line;
    json!({
        "version": "0",
        "id": id(&format!("{deployment} {state}")),
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "account": account,
        "time": moment(*now),
        "region": "eu-west-2",
        "resources": [format!("arn:aws:ecs:eu-west-2:{account}:service/main/{service}")],
        "detail": {
            "eventType": if state == "FAILED" { "ERROR" } else { "INFO" },
            "eventName": format!("SERVICE_DEPLOYMENT_{state}"),
            "deploymentId": deployment,
            "updatedAt": moment(*now),
            "reason": format!("ECS deployment {deployment} {reason}"),
        },
    })
    .to_string()
}

pub(super) fn task(
    task: &TrueTask,
    now: i64,
    version: u64,
    last: &str,
    desired: &str,
    stop: Option<(&str, i64)>,
) -> String {
    let TrueTask { arn, account, service, .. } = task;
    let definition =
        format!("arn:aws:ecs:eu-west-2:{account}:task-definition/{service}:{}", task.version);
    let image =
        format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/{service}:{}", tag(task.version));
    let container_status = match last {
        "RUNNING" | "STOPPED" => last,
        "DEPROVISIONING" => "STOPPED",
        _ => "PENDING",
    };
    let mut container = json!({
        "containerArn": arn.replace(":task/", ":container/"),
        "lastStatus": container_status,
        "name": service,
        "image": image,
        "runtimeId": format!("{}-527074092", arn.rsplit('/').next().unwrap_or_default()),
        "taskArn": arn,
        "networkInterfaces": [
            { "attachmentId": "a1", "privateIpv4Address": "10.0.1.17" },
        ],
        "cpu": "256",
        "memory": "512",
    });
    let mut detail = json!({
        "attachments": [{
            "id": "a1",
            "type": "eni",
            "status": "ATTACHED",
            "details": [
                { "name": "subnetId", "value": "subnet-0a1b2c3d4e5f60718" },
                { "name": "privateIPv4Address", "value": "10.0.1.17" },
            ],
        }],
        "attributes": [{ "name": "ecs.cpu-architecture", "value": "x86_64" }],
        "availabilityZone": "eu-west-2b",
        "clusterArn": format!("arn:aws:ecs:eu-west-2:{account}:cluster/main"),
        "connectivity": "CONNECTED",
        "cpu": "1024",
        "createdAt": moment(task.created),
        "desiredStatus": desired,
        "enableExecuteCommand": false,
        "group": format!("service:{service}"),
        "launchType": "FARGATE",
        "lastStatus": last,
        "memory": "2048",
        "overrides": { "containerOverrides": [{ "name": service }] },
        "platformVersion": "1.4.0",
        "startedBy": task.deployment,
        "taskArn": arn,
        "taskDefinitionArn": definition,
        "updatedAt": moment(now),
        "version": version,
    });
    if last != "PROVISIONING" {
        container["imageDigest"] = task.digest.to_string().into();
    }
    for (name, told) in
        [("startedAt", task.running), ("stoppingAt", task.stopping), ("stoppedAt", task.stopped)]
    {
        if let Some(at) = told {
            detail[name] = moment(at).into();
        }
    }
    if let Some((code, exit)) = stop {
        detail["stopCode"] = code.into();
        detail["stoppedReason"] = match code {
            "EssentialContainerExited" => "Essential container in task exited".into(),
            _ => format!("Scaling activity initiated by (deployment {})", task.deployment).into(),
        };
        container["exitCode"] = exit.into();
    }
    detail["containers"] = json!([container]);
    json!({
        "version": "0",
        "id": id(&format!("{arn} {version}")),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": account,
        "time": moment(now),
        "region": "eu-west-2",
        "resources": [arn],
        "detail": detail,
    })
    .to_string()
}
