//! The manifest for Kubernetes: an Indexed Job of tasks, a volume for their results, a Job that merges.

use serde_json::{Value, json};

use super::scripts::{ARCHIVE, MERGE, TASK};
use super::{FILE_NAME, yaml};

/// The name of the manifest.
pub(crate) const MANIFEST: &str = "kubernetes.yaml";

/// A submission to Kubernetes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kubernetes<'a> {
    /// The name of the tasks' Job; the others begin with it.
    pub(crate) name: &'a str,
    /// The image with the files of the submission in [`PROGRAMS`].
    pub(crate) image: &'a str,
    pub(crate) tasks: u32,
    /// Processes at once in each task.
    pub(crate) workers: u32,
    /// The claim of a volume for results; without one it is part of the manifest.
    pub(crate) claim: Option<&'a str>,
    /// The size of that volume.
    pub(crate) storage: &'a str,
}

impl Kubernetes<'_> {
    /// The manifest, as `kubectl apply -f` takes it.
    pub(crate) fn manifest(&self) -> String {
        yaml::documents(&self.objects())
    }

    /// Its objects.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let claim = self.claim.is_none().then(|| self.volume_claim());
        claim.into_iter().chain([self.tasks(), self.merge()]).collect()
    }

    fn volume_claim(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.claim_name(), "labels": self.labels()},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": self.storage}},
            },
        })
    }

    /// A pod that is killed is made again with its number, and goes on. A failed test is a result: the
    /// pod has done its work.
    fn tasks(&self) -> Value {
        let task = format!("sh {PROGRAMS}/{TASK} \"$((JOB_COMPLETION_INDEX + 1))\"");
        // A shell passes no signal on by itself, and an evicted pod is asked by SIGTERM to end.
        let script = format!(
            "trap 'kill -TERM $!' TERM; {task} {} {RESULTS} & wait $! && code=0 || code=$?; \
             [ $code -ne {TERMINATED} ] || {{ wait $! && code=0 || code=$?; }}; \
             case $code in {RESULT_CODES}) exit 0;; *) exit $code;; esac",
            self.workers
        );
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": self.name, "labels": self.labels()},
            "spec": {
                "completionMode": "Indexed",
                "completions": self.tasks,
                "parallelism": self.tasks,
                "backoffLimit": self.tasks.max(RETRIES_MIN),
                "template": self.pod(&script, self.workers),
            },
        })
    }

    /// It waits until all tasks are over; its own result is that of the campaign.
    fn merge(&self) -> Value {
        let script = format!(
            "cp {PROGRAMS}/{FILE_NAME} {RESULTS}/ || exit 2; \
             {PROGRAMS}/dstest status --wait {RESULTS} && code=0 || code=$?; \
             case $code in {WAITED_CODES}) exec sh {PROGRAMS}/{MERGE} {RESULTS};; *) exit $code;; esac"
        );
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": format!("{}-merge", self.name), "labels": self.labels()},
            "spec": {"backoffLimit": 0, "template": self.pod(&script, 1)},
        })
    }

    fn pod(&self, script: &str, workers: u32) -> Value {
        let claim = self.claim_name();
        json!({
            "metadata": {"labels": self.labels()},
            "spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "dstest",
                    "image": self.image,
                    "command": ["/bin/sh", "-c", script],
                    "resources": {"requests": {"cpu": workers.to_string()}},
                    "volumeMounts": [{"name": "results", "mountPath": RESULTS}],
                }],
                "volumes": [{"name": "results", "persistentVolumeClaim": {"claimName": claim}}],
            },
        })
    }

    fn claim_name(&self) -> String {
        self.claim.map_or_else(|| format!("{}-results", self.name), ToOwned::to_owned)
    }

    fn labels(&self) -> Value {
        json!({"app.kubernetes.io/name": "dstest", "app.kubernetes.io/instance": self.name})
    }

    /// The description of the image.
    pub(crate) fn dockerfile() -> String {
        format!(
            "# Any image with sh and a C library at least as new as that of the machine that built the tests.\n\
             FROM debian:stable-slim\n\
             COPY dstest {ARCHIVE} {TASK} {MERGE} {FILE_NAME} {PROGRAMS}/\n"
        )
    }
}

/// Reads a name of objects: also the names that are made from it must be valid.
pub(crate) fn parse_name(text: &str) -> Result<String, &'static str> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_valid = (1..=NAME_MAX).contains(&text.len())
        && text.bytes().all(is_inner)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-');
    let expected = "not a name: lower-case letters, digits and -, at most 50, a letter first";
    is_valid.then(|| text.to_owned()).ok_or(expected)
}

/// The place of the submission's files in the image.
const PROGRAMS: &str = "/campaign";

/// The place of the volume.
const RESULTS: &str = "/results";

/// Exit codes of a task that has done its work: passed, failed, nothing tested, ended early.
const RESULT_CODES: &str = "0|1|4|5";

/// The exit code of a shell's `wait` that SIGTERM has ended.
const TERMINATED: u32 = 128 + 15;

/// Exit codes of `status --wait` when all tasks are over: passed, failed, ended at a limit.
const WAITED_CODES: &str = "0|1|5";

/// Pods that may be killed before the Job gives up, unless there are more tasks.
const RETRIES_MIN: u32 = 6;

/// Pods have the number of their task behind the name, in at most 63 characters.
const NAME_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects() {
        for (name, want) in
            [("raft-2b", true), ("2b", false), ("A", false), ("a-", false), ("", false)]
        {
            assert_eq!(parse_name(name).is_ok(), want, "{name}");
        }
        assert!(parse_name(&"a".repeat(50)).is_ok() && parse_name(&"a".repeat(51)).is_err());
    }

    /// Differences between a value and a definition of the published schema.
    fn faults(value: &Value, schema: &Value, all: &Value, at: &str) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str() {
            return faults(value, &all[name], all, at);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice: &Value| faults(value, choice, all, at).is_empty();
            return if choices.iter().any(fits) {
                vec![]
            } else {
                vec![format!("{at}: no choice")]
            };
        }
        let is_of_type = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64() || value.is_i64(),
            Some("number") => value.is_number(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some(other) => panic!("{at}: unknown type {other}"),
            None => true,
        };
        let mut found = Vec::new();
        if !is_of_type {
            found.push(format!("{at}: {value} is not of type {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
            found.push(format!("{at}: {value} is not one of {}", schema["enum"]));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if value.get(name.as_str().unwrap()).is_none() {
                found.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            let known = schema["properties"].get(name);
            match known.or(schema.get("additionalProperties")) {
                Some(known) if *known == json!({}) => {
                    found.push(format!("{at}.{name}: its type is not in the file of the test"));
                }
                Some(known) => found.extend(faults(inner, known, all, &format!("{at}.{name}"))),
                None => found.push(format!("{at}: unknown field {name}")),
            }
        }
        for (number, item) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(faults(item, &schema["items"], all, &format!("{at}[{number}]")));
        }
        found
    }

    #[test]
    fn the_manifest_is_what_the_published_schema_describes() {
        let text = include_str!("../../tests/kubernetes-schema.json");
        let schema: Value = serde_json::from_str(text).unwrap();
        let all = &schema["definitions"];
        let (name, image, storage) = ("raft", "registry/tests:1", "1Gi");
        let mut manifest = Kubernetes { name, image, tasks: 40, workers: 2, claim: None, storage };
        let check = |object: &Value| {
            let kind = object["kind"].as_str().unwrap();
            faults(object, &all[kind], all, kind)
        };
        for (claim, kinds) in [(None, 3), (Some("mine"), 2)] {
            manifest.claim = claim;
            let objects = manifest.objects();
            assert_eq!(objects.len(), kinds);
            for object in &objects {
                assert_eq!(check(object), [""; 0]);
            }
        }
        let mut wrong = manifest.objects().remove(0);
        wrong["spec"]["completions"] = json!("40");
        wrong["spec"]["template"]["spec"]["container"] = json!([]);
        wrong["spec"]["template"]["spec"]["volumes"][0] = json!({});
        let want = [
            "Job.spec.completions: \"40\" is not of type \"integer\"",
            "Job.spec.template.spec: unknown field container",
            "Job.spec.template.spec.volumes[0]: \"name\" is missing",
        ];
        assert_eq!(check(&wrong), want);
    }
}
