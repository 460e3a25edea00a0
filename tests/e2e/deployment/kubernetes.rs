//! config/kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{NOBODY, assert_arguments, files, is_variable, read, syncs_with};

/// Every document of every file, by kind and name.
fn manifests() -> BTreeMap<(String, String), Value> {
    let documents = files("kubernetes", "yaml").into_iter().flat_map(|path| {
        let text = read(&path);
        let parts: Vec<String> = text.split("\n---\n").map(str::to_owned).collect();
        parts
            .into_iter()
            .map(move |part| serde_saphyr::from_str(&part).unwrap_or_else(|error| panic!("{path}: {error}")))
    });
    let mut manifests = BTreeMap::new();
    for document in documents {
        let document: Value = document;
        let key = (text(&document["kind"]), text(&document["metadata"]["name"]));
        let twice = manifests.insert(key, document);
        assert_eq!(twice, None);
    }
    manifests
}

fn text(value: &Value) -> String {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    text.to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn arguments(container: &Value) -> Vec<&str> {
    let arguments = items(&container["args"]).iter();
    arguments.map(|argument| argument.as_str().unwrap()).collect()
}

/// The pod template of a workload, if it has one.
fn template(manifest: &Value) -> Option<&Value> {
    let found = match manifest["kind"].as_str().unwrap() {
        "CronJob" => &manifest["spec"]["jobTemplate"]["spec"]["template"],
        _ => &manifest["spec"]["template"],
    };
    found.is_object().then_some(found)
}

/// Name, pod and only container of every workload.
fn workloads(manifests: &BTreeMap<(String, String), Value>) -> Vec<(&str, &Value, &Value)> {
    let found: Vec<_> = manifests
        .iter()
        .filter_map(|((_, name), manifest)| {
            let pod = &template(manifest)?["spec"];
            assert!(pod["initContainers"].is_null());
            assert_eq!(items(&pod["containers"]).len(), 1, "{name}");
            Some((name.as_str(), pod, &pod["containers"][0]))
        })
        .collect();
    assert_eq!(found.len(), 2);
    found
}

fn secrets(manifests: &BTreeMap<(String, String), Value>) -> BTreeMap<&str, BTreeMap<String, String>> {
    manifests
        .iter()
        .filter(|((kind, _), _)| kind == "Secret")
        .map(|((_, name), secret)| {
            let data = secret["stringData"].as_object().unwrap();
            // Kubernetes refuses everything but texts here, a bare `true` among them.
            let entries = data.iter().map(|(key, value)| (key.clone(), text(value)));
            (name.as_str(), entries.collect())
        })
        .collect()
}

/// A container's environment. A missing secret or key is a failure, as in Kubernetes.
fn environment(container: &Value, manifests: &BTreeMap<(String, String), Value>) -> BTreeMap<String, String> {
    let secrets = secrets(manifests);
    let mut environment = BTreeMap::new();
    for from in items(&container["envFrom"]) {
        environment.extend(secrets[from["secretRef"]["name"].as_str().unwrap()].clone());
    }
    for entry in items(&container["env"]) {
        let from = &entry["valueFrom"];
        let value = if let Some(key) = from["secretKeyRef"]["key"].as_str() {
            secrets[from["secretKeyRef"]["name"].as_str().unwrap()][key].clone()
        } else if let Some(field) = from["fieldRef"]["fieldPath"].as_str() {
            assert_eq!(field, "metadata.name");
            "baton-ninja-one-5d8f7c9b6-x2x7k".to_owned()
        } else {
            text(&entry["value"])
        };
        let twice = environment.insert(text(&entry["name"]), value);
        assert_eq!(twice, None, "{} is set twice", entry["name"]);
    }
    environment
}

#[test]
fn kinds_names_and_labels() {
    let manifests = manifests();
    let kinds: BTreeSet<(&str, &str, &str)> = manifests
        .iter()
        .map(|((kind, name), manifest)| {
            (
                kind.as_str(),
                manifest["apiVersion"].as_str().unwrap(),
                name.as_str(),
            )
        })
        .collect();
    let expected = [
        ("Secret", "v1", "baton-ninja-one-secrets"),
        ("Secret", "v1", "baton-ninja-one-feed-secrets"),
        ("Deployment", "apps/v1", "baton-ninja-one"),
        ("CronJob", "batch/v1", "baton-ninja-one-feed"),
        ("NetworkPolicy", "networking.k8s.io/v1", "baton-ninja-one"),
    ];
    assert_eq!(kinds, expected.into_iter().collect());
    for ((_, name), manifest) in &manifests {
        let pods = template(manifest).map(|template| &template["metadata"]["labels"]);
        for labels in pods.into_iter().chain([&manifest["metadata"]["labels"]]) {
            let labels = labels.as_object().unwrap();
            assert!(labels.values().all(Value::is_string), "{name}: {labels:?}");
            assert_eq!(labels["app"], "baton-ninja-one");
            assert!(labels.get("baton").is_none_or(|value| value == "true"));
        }
        assert!(pods.is_none_or(|labels| labels["baton"] == "true"), "{name}");
        assert!(
            manifest["metadata"]["namespace"].is_null(),
            "whoever applies it chooses"
        );
    }
}

#[test]
fn selectors_match_their_own_pods_only() {
    let manifests = manifests();
    let deployment = &manifests[&("Deployment".to_owned(), "baton-ninja-one".to_owned())];
    let selector = deployment["spec"]["selector"]["matchLabels"].as_object().unwrap();
    for ((_, name), manifest) in &manifests {
        let Some(template) = template(manifest) else {
            continue;
        };
        let labels = &template["metadata"]["labels"];
        let selected = selector.iter().all(|(key, value)| labels[key] == *value);
        assert_eq!(selected, name == "baton-ninja-one", "{name}");
    }
}

#[test]
fn pods_are_restricted() {
    for (name, pod, container) in workloads(&manifests()) {
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(
            pod["securityContext"],
            json!({
                "runAsNonRoot": true,
                "runAsUser": NOBODY,
                "runAsGroup": NOBODY,
                "fsGroup": NOBODY,
                "seccompProfile": { "type": "RuntimeDefault" },
            }),
            "{name}"
        );
        assert_eq!(
            container["securityContext"],
            json!({
                "allowPrivilegeEscalation": false,
                "privileged": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            }),
            "{name}"
        );
        for host in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
            assert!(pod[host].is_null(), "{name}: {host}");
        }
        assert!(pod["terminationGracePeriodSeconds"].is_u64(), "{name}");
        for kind in ["requests", "limits"] {
            for resource in ["memory", "ephemeral-storage"] {
                assert!(
                    container["resources"][kind][resource].is_string(),
                    "{name}: {resource}"
                );
            }
        }
    }
}

#[test]
fn the_image_is_this_version() {
    for (name, _, container) in workloads(&manifests()) {
        let image = text(&container["image"]);
        let (_, tag) = image.rsplit_once(':').unwrap();
        assert_eq!(tag, env!("CARGO_PKG_VERSION"), "{name}");
    }
}

#[test]
fn every_variable_and_flag_is_one_of_the_program() {
    let manifests = manifests();
    for (name, secret) in secrets(&manifests) {
        for variable in secret.keys() {
            assert!(is_variable(variable), "{name}: {variable}");
        }
    }
    for (name, _, container) in workloads(&manifests) {
        for variable in environment(container, &manifests).keys() {
            assert!(is_variable(variable), "{name}: {variable}");
        }
        assert!(container["command"].is_null(), "the image knows it");
        assert_arguments(name, &arguments(container));
    }
}

#[test]
fn the_published_names() {
    let manifests = manifests();
    let secrets = secrets(&manifests);
    let names: Vec<&str> = secrets["baton-ninja-one-secrets"]
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "BATON_CLIENT_ID",
            "BATON_CLIENT_SECRET",
            "BATON_NINJA_ONE_BASE_URL",
            "BATON_NINJA_ONE_CLIENT_ID",
            "BATON_NINJA_ONE_CLIENT_SECRET",
            "BATON_NINJA_ONE_SCOPE",
            "BATON_PROVISIONING",
        ]
    );
    // Writes must be enabled explicitly.
    assert_eq!(secrets["baton-ninja-one-secrets"]["BATON_PROVISIONING"], "false");
}

#[test]
fn writable_volumes_match_the_configured_paths() {
    let manifests = manifests();
    for (name, pod, container) in workloads(&manifests) {
        let environment = environment(container, &manifests);
        let configured = ["BATON_TMPDIR", "BATON_STATE_DIR"].map(|variable| environment.get(variable));
        let configured: Vec<&str> = configured.into_iter().flatten().map(String::as_str).collect();
        let writable = |values: &Value, is: fn(&&Value) -> bool| -> Vec<Value> {
            items(values).iter().filter(is).cloned().collect()
        };
        let mounts = writable(&container["volumeMounts"], |mount| mount["readOnly"] != true);
        let mounted: Vec<&str> = mounts
            .iter()
            .map(|mount| mount["mountPath"].as_str().unwrap())
            .collect();
        assert_eq!(mounted, configured, "{name}");
        let volumes = writable(&pod["volumes"], |volume| volume["secret"].is_null());
        assert_eq!(volumes.len(), mounts.len(), "{name}");
        for (volume, mount) in volumes.iter().zip(&mounts) {
            assert_eq!(mount["name"], volume["name"], "{name}");
            assert!(volume["emptyDir"]["sizeLimit"].is_string(), "{name}");
            assert!(volume["emptyDir"]["medium"].is_null(), "{name}: not in memory");
        }
        // Only service mode has anything to remember.
        assert_eq!(
            configured.len(),
            if name.ends_with("-feed") { 1 } else { 2 },
            "{name}"
        );
    }
}

/// Bytes of a quantity of Kubernetes.
fn bytes(quantity: &Value) -> f64 {
    let quantity = text(quantity);
    let (number, unit) = quantity.split_at(quantity.find(|c: char| c.is_alphabetic()).unwrap());
    let unit = match unit {
        "Mi" => 1024_f64.powi(2),
        "Gi" => 1024_f64.powi(3),
        unit => panic!("{unit}"),
    };
    number.parse::<f64>().unwrap() * unit
}

/// Bytes of a cell such as `about 550 MB`; a dash is none.
fn cell(cell: &str) -> f64 {
    let words: Vec<&str> = cell.trim().trim_start_matches("about ").split(' ').collect();
    match words[..] {
        ["–"] => 0.0,
        [number, "MB"] => number.parse::<f64>().unwrap() * 1e6,
        [number, "GB"] => number.parse::<f64>().unwrap() * 1e9,
        _ => panic!("{cell}"),
    }
}

/// The manifests provide what docs/guides/deploy.md promises: memory and temporary space for every row of its table.
#[test]
fn volume_sizes_cover_the_capacity_table() {
    let document = read("docs/guides/deploy.md");
    let (_, capacity) = document.split_once("\n## Capacity\n").unwrap();
    let capacity = capacity.split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = capacity
        .lines()
        .filter(|line| line.starts_with("| 1"))
        .chain(capacity.lines().filter(|line| line.starts_with("| 5")))
        .map(|line| line.trim_matches('|').split('|').collect())
        .collect();
    assert_eq!(rows.len(), 5);
    let manifests = manifests();
    for (name, pod, container) in workloads(&manifests) {
        let limits = &container["resources"]["limits"];
        let volumes: Vec<&Value> = items(&pod["volumes"])
            .iter()
            .filter(|volume| volume["secret"].is_null())
            .collect();
        let size = &volumes[0]["emptyDir"]["sizeLimit"];
        for row in &rows {
            let (memory, temporary) = (cell(row[1]).max(cell(row[2])), cell(row[5]));
            assert!(memory <= bytes(&limits["memory"]), "{name}: {row:?}");
            assert!(temporary <= bytes(size), "{name}: {row:?}");
        }
        let volumes: f64 = volumes
            .iter()
            .map(|volume| bytes(&volume["emptyDir"]["sizeLimit"]))
            .sum();
        assert!(
            volumes < bytes(&limits["ephemeral-storage"]),
            "{name}: the volumes count against it"
        );
        assert!(capacity.contains(&text(size).replace("Gi", " GiB")), "{name}");
    }
    for unit in files("systemd", "service") {
        assert!(read(&unit).contains("MemoryMax=512M"), "{unit}");
    }
}

#[test]
fn secrets_are_files() {
    let manifests = manifests();
    let secrets = secrets(&manifests);
    for (name, pod, container) in workloads(&manifests) {
        let volume = items(&pod["volumes"])
            .iter()
            .find(|volume| !volume["secret"].is_null())
            .unwrap();
        let of = &secrets[volume["secret"]["secretName"].as_str().unwrap()];
        let mount = items(&container["volumeMounts"])
            .iter()
            .find(|mount| mount["name"] == volume["name"])
            .unwrap();
        assert_eq!(mount["readOnly"], true, "{name}");
        // Octal in YAML 1.1, which Kubernetes reads: readable by the pod's own group only.
        assert!(read("config/kubernetes/deployment.yaml").contains("defaultMode: 0440"));
        let environment = environment(container, &manifests);
        let mut files = Vec::new();
        for item in items(&volume["secret"]["items"]) {
            let key = item["key"].as_str().unwrap();
            assert!(of.contains_key(key), "{name}: {key}");
            assert!(
                !environment.contains_key(key),
                "{name}: {key} is in the environment too"
            );
            let path = format!("{}/{}", text(&mount["mountPath"]), text(&item["path"]));
            assert_eq!(environment[&format!("{key}_FILE")], path, "{name}");
            files.push(key);
        }
        let plain = environment.keys().find(|variable| variable.ends_with("_SECRET"));
        assert_eq!(plain, None, "{name}: a secret that is no file");
        assert!(files.contains(&"BATON_NINJA_ONE_CLIENT_SECRET"), "{name}");
    }
}

#[test]
fn the_network_is_restricted() {
    let manifests = manifests();
    let policy = &manifests[&("NetworkPolicy".to_owned(), "baton-ninja-one".to_owned())]["spec"];
    let selector = policy["podSelector"]["matchLabels"].as_object().unwrap();
    for manifest in manifests.values() {
        if let Some(template) = template(manifest) {
            let labels = &template["metadata"]["labels"];
            assert!(selector.iter().all(|(key, value)| labels[key] == *value));
        }
    }
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(policy["ingress"], json!([]));
    let ports: BTreeSet<String> = items(&policy["egress"])
        .iter()
        .flat_map(|rule| items(&rule["ports"]))
        .map(|port| port["port"].to_string())
        .collect();
    assert_eq!(ports, BTreeSet::from(["53".to_owned(), "443".to_owned()]));
}

#[test]
fn probes_use_the_health_server() {
    let manifests = manifests();
    for (name, _, container) in workloads(&manifests) {
        let environment = environment(container, &manifests);
        if !environment.contains_key("BATON_HEALTH_CHECK") {
            assert!(
                container["livenessProbe"].is_null(),
                "{name}: nobody would answer"
            );
            continue;
        }
        assert_eq!(environment["BATON_HEALTH_CHECK"], "true");
        assert_eq!(environment["BATON_HEALTH_CHECK_BIND_ADDRESS"], "0.0.0.0");
        let [port] = items(&container["ports"]) else {
            panic!("{name} has not exactly one port");
        };
        assert_eq!(
            port["containerPort"].to_string(),
            environment["BATON_HEALTH_CHECK_PORT"]
        );
        for (probe, path) in [
            ("startupProbe", "/live"),
            ("livenessProbe", "/live"),
            ("readinessProbe", "/ready"),
        ] {
            let http_get = &container[probe]["httpGet"];
            assert_eq!(
                (&http_get["path"], &http_get["port"]),
                (&json!(path), &port["name"]),
                "{name}"
            );
        }
    }
}

#[test]
fn only_the_service_runs_in_service_mode() {
    let manifests = manifests();
    for (name, _, container) in workloads(&manifests) {
        let environment = environment(container, &manifests);
        let service = name == "baton-ninja-one";
        // Its presence alone enables service mode.
        assert_eq!(environment.contains_key("BATON_CLIENT_ID"), service, "{name}");
        assert_eq!(environment.contains_key("BATON_PROVISIONING"), service, "{name}");
        assert_eq!(environment.contains_key("BATON_HOST_ID"), service, "{name}");
        assert_eq!(environment.contains_key("BATON_SINK"), !service, "{name}");
    }
}

#[test]
fn the_job_never_overlaps_and_fails_on_known_codes() {
    let manifests = manifests();
    let job = &manifests[&("CronJob".to_owned(), "baton-ninja-one-feed".to_owned())];
    assert_eq!(job["spec"]["concurrencyPolicy"], "Forbid");
    let pod = &template(job).unwrap()["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    let failures = &job["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"];
    let container = &pod["containers"][0];
    assert_eq!(failures["containerName"], container["name"]);
    let codes = items(&failures["values"]);
    assert!(
        codes
            .iter()
            .all(|code| read("docs/reference/exit-codes.md").contains(&format!("\n| {code} | ")))
    );
    let environment: Vec<(String, String)> = environment(container, &manifests).into_iter().collect();
    syncs_with("the CronJob", &environment, &arguments(container));
}
