import Foundation
import SystemPackage
import Testing
import TestSupport

extension SwarmTests {
    /// A compose file with everything that the card carries.
    private static let compose = """
        version: "3.8"
        services:
          app:
            image: sample
            command: [busybox, sh, -c, "busybox cat /run/secrets/key /settings; echo $$FROM_FILE $$FROM_RECIPE; exec busybox sleep 3600"]
            env_file: app.env
            environment: { FROM_RECIPE: "${VALUE}" }
            secrets: [key]
            configs: [{ source: settings, target: /settings }]
            networks: [machine]
            deploy: { placement: { constraints: [node.role == manager] } }
        networks: { machine: { external: true, name: host } }
        secrets: { key: { file: ./key } }
        configs: { settings: { file: conf/settings } }

        """

    /// The rack's own network is the eighth that Docker's pool would give.
    @Test func `a rack in Docker's pool has another one, and its stack comes with files, secrets and variables`()
        async throws
    {
        let networks = (1...8).map { "{ name: n\($0), attachable: true }" }.joined(separator: ", ")
        let rack = try await Rack(
            2, network: "10.0.7",
            shared: """
                swarm:
                  managers: [red00]
                  networks: [\(networks)]
                  stacks: [{ name: web, compose: web.yml, environment: { VALUE: "it's $5" } }]
                first_boot:
                  after_swarm: ["docker node ls --format '{{.Hostname}} {{.Status}}' | sort >/var/lib/after"]

                """,
            files: [
                "web.yml": Self.compose, "app.env": "FROM_FILE=env-f1le\n", "key": "k3y-of-the-stack\n",
                "conf/settings": "a config\n",
            ])
        try rack.on(rack.names)
        let done = try rack.wait("both are done", most: 120) {
            rack.names.allSatisfy { rack.status($0).contains("state: done") }
        }
        Self.say("two nodes, eight networks and a stack are done after \(done) s")
        #expect(!rack.status("red00").contains("last error"), "\(rack.status("red00"))")

        // The networks: none holds a node's address.
        let names = ["ingress"] + (1...8).map { "n\($0)" }
        let subnets = try rack.runs(
            "red00", ["docker", "network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}}{{end}}"] + names
        ).text.split(separator: "\n").map(String.init)
        #expect(
            subnets.count == 9 && subnets.allSatisfy { $0.hasPrefix("172.30.") && $0.hasSuffix(".0/24") }, "\(subnets)")
        func ping(_ network: String) throws -> OutsideTool.Result {
            try rack.on(
                "red00", "docker", "run", "--rm", "--network", network, "sample", "busybox", "ping", "-c", "2", "-W",
                "2",
                "10.0.7.10")
        }
        let reached = try ping("n7")
        #expect(reached.succeeded, "\(reached.text)\(reached.errors)")
        // What Docker's own pool would have done.
        try rack.on(
            "red00", "docker", "network", "create", "-d", "overlay", "--attachable", "--subnet", "10.0.7.0/24", "own")
        #expect(!(try ping("own").succeeded))

        // The stack.
        var logs = ""
        try rack.wait("the stack's container has written") {
            logs = try rack.on("red00", "docker", "service", "logs", "--raw", "web_app").text
            return logs.contains("env-f1le")
        }
        #expect(logs.contains("k3y-of-the-stack\na config\nenv-f1le it's $5\n"), "\(logs)")
        #expect(!rack.file("/etc/piflash/stack.d/web/key", of: "red00"))
        #expect(!rack.file("/etc/piflash/stack.d/web/app.env", of: "red00"))
        #expect(!rack.file("/etc/piflash/stack.d/web.env", of: "red00"))
        #expect(rack.file("/etc/piflash/stack.d/web/conf/settings", of: "red00"))
        #expect(try rack.files(holding: "k3y-of-the-stack").isEmpty)
        let after = rack.scratch["nodes/red00/changes/var/lib/after"].string
        #expect(try String(contentsOfFile: after, encoding: .utf8) == "red00 Ready\nred01 Ready\n")

        // The certificates outlive a summer, also the first manager's first one.
        for name in rack.names {
            let end = try rack.on(
                name, "openssl", "x509", "-noout", "-checkend", String(300 * 86_400), "-in",
                "/var/lib/docker/swarm/certificates/swarm-node.crt")
            #expect(end.succeeded, "\(name): \(end.text)")
        }
    }
}
