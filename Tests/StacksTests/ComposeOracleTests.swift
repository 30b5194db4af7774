import Diagnostics
import Docker
import Foundation
import Stacks
import SystemPackage
import Testing
import TestSupport

/// Compose files as `docker stack deploy` itself reads them.
@Suite struct ComposeOracleTests {
    /// A service with one more line.
    private static func service(_ more: String, top: String = "") -> String {
        "services:\n  web:\n    image: nginx\n    \(more)\n\(top)\n"
    }

    /// Each may be taken or refused; docker decides.
    static let files: [String] =
        [
            "", "- a", "services: {}", "this: [is not", "services:\n  web: nginx\n", "image: nginx\n",
            "services: { web: { image: nginx } }", "version: '3'\nservices: { web: { image: nginx } }",
            "version: 3\nservices: { web: { image: nginx } }", "version: '2'\nservices: { web: { image: nginx } }",
            "version: '3.99'\nservices: { web: { image: nginx } }",
            "version: '3.1'\nservices: { web: { image: nginx } }",
            "version: '3.5'\nservices: { web: { image: nginx, init: true } }",
            "version: '3.7'\nservices: { web: { image: nginx, init: true } }",
            "version: '3.2'\nservices: { web: { image: nginx } }\nconfigs: { a: { external: true } }",
            "name: x\nservices: { web: { image: nginx } }", "x-a: [1]\nservices: { web: { image: nginx, x-b: 2 } }",
            "version: '3.3'\nx-a: 1\nservices: { web: { image: nginx } }",
            "services: { 'a b': { image: nginx } }", "services: { web: { image: nginx }, web: { image: nginx } }",
            "a: &a { image: nginx }\nservices: { web: *a }", "x-a: &a { image: nginx }\nservices: { web: *a }",
            "x-a: &a { image: nginx, tty: true }\nservices: { web: { <<: *a, tty: 7 } }",
            "x-a: &a { image: nginx, tty: true }\nservices: { web: { <<: *a, hostname: h } }",
        ]
        + [
            "build: .", "build: { context: . }", "build: [a]", "command: echo", "command: [echo, a]",
            "command: [echo, 1]",
            "command: 7", "environment: { A: 1, B: text, C: }", "environment: { A: true }", "environment: [A=1]",
            "environment: [1]", "environment: { A: [b] }", "ports: ['80:80']", "ports: [80]", "ports: ['80:80/udp']",
            "ports: ['x:80']", "ports: ['127.0.0.1:80:80']", "ports: ['8000-8001:80-81']", "ports: ['1-2:3-5']",
            "ports: ['70000:80']", "ports: [{ target: 80, published: 80, mode: host }]", "ports: [{ target: x }]",
            "ports: [{ target: '80', published: '8080' }]", "ports: ['80:80', '80:80']", "ports: 80",
            "deploy: { replicas: 2 }", "deploy: { replicas: '2' }", "deploy: { replicas: many }", "deploy:",
            "deploy: { mode: global, unknown: 1 }", "deploy: { placement: { constraints: ['node.role == manager'] } }",
            "deploy: { placement: { constraints: node.role } }", "deploy: { resources: { limits: { cpus: 0.5 } } }",
            "deploy: { resources: { limits: { cpus: '0.5', memory: 50M } } }",
            "deploy: { resources: { limits: { memory: lots } } }",
            "deploy: { update_config: { order: start-first, delay: 5s } }",
            "deploy: { update_config: { order: later } }",
            "deploy: { update_config: { delay: 5 } }", "deploy: { restart_policy: { delay: 1x } }",
            "healthcheck: { test: [CMD, a], interval: 30s }", "healthcheck: { interval: soon }",
            "healthcheck: { retries: '3' }", "healthcheck: { disable: 'yes' }", "healthcheck: { disable: 'maybe' }",
            "restart: no", "restart: 'no'", "restart: always", "tty: yes", "tty: 'yes'", "tty: on", "tty: 1",
            "privileged: true", "extends: { service: a }", "volumes_from: [a]", "mem_limit: 5m", "cpuset: '0'",
            "links: [a]", "depends_on: [a]", "depends_on: { a: { condition: service_started } }", "profiles: [a]",
            "pull_policy: always", "platform: linux/arm64", "configs: [a]", "secrets: [a]", "networks: [a]",
            "networks: { default: }", "networks: { default: { aliases: [x] } }",
            "networks: { default: { priority: 1 } }",
            "volumes: ['/a']", "volumes: ['/a:/b:ro']", "volumes: [{ type: tmpfs, target: /t }]",
            "volumes: [{ target: /t }]", "volumes: [{ type: volume, source: v, target: /t, volume: { nocopy: true } }]",
            "labels: { a: 1 }", "labels: [a=1]", "labels: a", "ulimits: { nofile: 5 }",
            "ulimits: { nofile: { soft: 1, hard: 2 } }", "ulimits: { nofile: { soft: 1 } }", "ulimits: { NoFile: 1 }",
            "sysctls: [a=1]", "stop_grace_period: 10s", "stop_grace_period: 10",
            "logging: { driver: x, options: { a: 1 } }",
            "logging: { options: { a: true } }", "env_file: none.env", "cap_add: [ALL]", "cap_add: [ALL, ALL]",
            "oom_score_adj: 5", "isolation: x", "user: 1000", "user: '1000'", "hostname: h",
            "extra_hosts: ['a:1.2.3.4']",
            "credential_spec: { file: x }", "read_only: false", "dns: 1.1.1.1", "dns: [1.1.1.1]", "expose: ['80', 81]",
            "hostname: '$$x'", "hostname: '$'", "hostname: '${}'", "hostname: '${X:-y}'", "hostname: '${X?no}'",
            "command: ['$(ls)']", "deploy: { replicas: '${N:-2}' }", "shm_size: 64M", "devices: ['/dev/a:/dev/a']",
        ].map { service($0) }
        + [
            "networks: { a: { driver: overlay, attachable: yes } }", "networks: { a: { external: true, name: x } }",
            "networks: { a: { external: { name: x } } }", "networks: { a: { enable_ipv6: true } }",
            "networks: { a: { ipam: { config: [{ subnet: 10.1.0.0/24 }] } } }",
            "networks: { a: { ipam: { config: [{ subnet: 10.1.0.0/24, gateway: 10.1.0.1 }] } } }",
            "networks: [a]", "volumes: { v: }", "volumes: { v: { driver: local, driver_opts: { a: 1 } } }",
            "volumes: { v: { external: true, driver: x } }", "volumes: v", "configs: { c: { file: a.conf } }",
            "configs: { c: { content: hello } }", "secrets: { s: { environment: A } }", "secrets: { s: { file: 5 } }",
            "secrets: { s: { file: a, driver: b } }", "include: [a.yml]", "unknown: 1",
        ].map { "services: { web: { image: nginx } }\n\($0)\n" }

    /// What docker only finds when it deploys (no such file, something that is not defined), or takes without a word.
    private static func isOurs(_ text: String) -> Bool {
        [
            "a: true", "appears twice", "has no image", "does not define", "there is no file", "no services", "not set",
            "nothing makes",
            "nothing sets", "of the form", "needs \"file\"", "takes letters, digits", "not a valid size",
            "not a valid constraint",
        ].contains { text.contains($0) }
    }

    @Test(arguments: try DeployingDocker.all)
    func `docker stack deploy and check agree on each compose file`(_ docker: DeployingDocker) throws {
        var accepted = 0
        for (index, file) in Self.files.enumerated() {
            let harness = StackHarness()
            harness.scratch.write("x\n", to: "a.conf")
            // Older ones say nothing else about a file without a version.
            let isOld = docker.version < EngineVersion(23, 0) && file.hasPrefix("services")
            let file = isOld ? "version: '3.9'\n\(file)" : file
            let answer = try docker.answer(to: file, in: harness.scratch)
            let report = harness.report(file, engine: docker.version)
            if answer.isAccepted {
                accepted += 1
                let strange = report.errors.filter { !Self.isOurs($0.text) }
                #expect(strange.isEmpty, "\(index): docker \(docker.version) takes it:\n\(file)\n\(report)")
            } else {
                #expect(report.hasErrors, "\(index): docker \(docker.version) refuses it:\n\(file)\n\(answer.message)")
            }
        }
        #expect(accepted > 60 && accepted < Self.files.count - 60)
    }

    @Test(arguments: try DeployingDocker.all)
    func `a file without a version is taken by those that check says`(_ docker: DeployingDocker) throws {
        let harness = StackHarness()
        let file = "services: { web: { image: nginx } }"
        let answer = try docker.answer(to: file, in: harness.scratch)
        #expect(answer.isAccepted == !harness.report(file, engine: docker.version).hasErrors, "\(answer.message)")
    }
}

/// A docker command of this machine. It reads a compose file before it looks for an engine.
struct DeployingDocker: CustomTestStringConvertible {
    private let tool: OutsideTool
    let version: EngineVersion
    var testDescription: String { "docker \(version)" }

    /// Debian's, which the tests need, and another one if there is one.
    static var all: [DeployingDocker] {
        get throws {
            let paths = ["/usr/bin/docker", "/usr/local/bin/docker"].filter(FileManager.default.isExecutableFile)
            let found = try paths.map { try DeployingDocker(OutsideTool($0)) }
            guard !found.isEmpty else {
                throw OutsideTool.Missing(description: "docker is not installed: make bootstrap")
            }
            return found
        }
    }

    private init(_ tool: OutsideTool) throws {
        self.tool = tool
        let text = try tool.run(["version", "-f", "{{.Client.Version}}"]).text
        version = try #require(EngineVersion(text))
    }

    func answer(to file: String, in scratch: ScratchDirectory) throws -> (isAccepted: Bool, message: String) {
        scratch.write(file, to: "oracle.yml")
        let result = try tool.run(
            ["-H", "unix://\(scratch["none"])", "stack", "deploy", "-c", scratch["oracle.yml"].string, "x"])
        return (result.errors.contains("Cannot connect to the Docker daemon"), result.errors)
    }
}
