import Foundation
import Provisioning
import SystemPackage
import Testing
import TestSupport

/// Swarms that form from cold cards: real engines, a real sshd, the files of the cards.
@Suite(.serialized) struct SwarmTests {
    static func say(_ text: String) { FileHandle.standardError.write(Data("swarm: \(text)\n".utf8)) }

    @Test func `five nodes form a swarm, workers first, and a node with a new card takes its old place`() async throws {
        let compose = """
            version: "3.5"
            services:
              sleeper:
                image: sample
                command: [busybox, sleep, "3600"]
                networks: [machine]
                deploy:
                  mode: global
                  placement: { constraints: ["node.role == worker", "node.labels.rack == red"] }
            networks: { machine: { external: true, name: host } }

            """
        let rack = try await Rack(
            5,
            shared: """
                swarm:
                  managers: [red00]
                  availability: { manager: drain }
                  stacks: [{ name: sample, compose: sample.yml }]

                """, files: ["sample.yml": compose])
        let workers = Array(rack.names.dropFirst())
        try rack.on(workers)
        let asking = try rack.wait("the workers ask") {
            workers.allSatisfy { rack.status($0).contains("does not answer") }
        }
        Self.say("four workers ask for a manager that is off after \(asking) s")
        try rack.on(["red00"])
        let wanted = ["red00 ready drain manager"] + workers.map { "\($0) ready active worker" }
        let formed = try rack.wait("five are ready") { try rack.members(seenBy: "red00") == wanted }
        Self.say("five nodes are ready \(formed) s after the manager was switched on")
        let finished = try rack.wait("all are done") {
            rack.names.allSatisfy { rack.status($0).contains("state: done") }
        }
        Self.say("all have finished \(finished) s later")
        for name in rack.names { #expect(!rack.status(name).contains("last error"), "\(rack.status(name))") }
        for (index, name) in rack.names.enumerated() {
            let labels = try rack.on("red00", "docker", "node", "inspect", "-f", "{{json .Spec.Labels}}", name).text
            #expect(labels == "{\"rack\":\"red\",\"slot\":\"\(index)\"}\n")
        }
        let deployed = try rack.wait("the stack runs") {
            try rack.on(
                "red00", "docker", "service", "ps", "-f", "desired-state=running", "--format", "{{.CurrentState}}",
                "sample_sleeper"
            ).text.split(separator: "\n").count { $0.hasPrefix("Running") } == 4
        }
        Self.say("the stack runs on four nodes \(deployed) s later")
        for name in workers { #expect(!rack.file("/etc/piflash/swarm/worker_key", of: name)) }
        #expect(rack.file("/etc/piflash/swarm/host_key", of: "red00"))

        // No node is missing any more: nobody may ask for anything. When one is, its new card may.
        let closed = try rack.wait("the token service closes") { try !isOpen(rack) }
        Self.say("the token service is closed \(closed) s later")
        try rack.off(["red02"])
        let opened = try rack.wait("the token service opens") { try isOpen(rack) }
        Self.say("a node is off, and the token service is open after \(opened) s")
        try expectKeyOpensNothingElse(rack)
        try rack.on(["red02"])

        // A new card for a node: its old entry goes.
        try rack.flash("red03")
        try rack.on(["red03"])
        let replaced = try rack.wait("the node is back") {
            try rack.status("red03").contains("state: done") && rack.members(seenBy: "red00") == wanted
        }
        Self.say("a node with a new card is back after \(replaced) s")

        // The manager loses its power and comes back: nothing is formed twice, nobody is asked anything.
        try rack.off(["red00"])
        try rack.on(["red00"])
        let back = try rack.wait("the manager is back") { try rack.members(seenBy: "red00") == wanted }
        Self.say("the manager is back after \(back) s")
        #expect(try rack.files(holding: "SWMTKN-1-").isEmpty)
    }

    private func isOpen(_ rack: Rack) throws -> Bool {
        try rack.runs("red04", ["timeout", "2", "bash", "-c", "head -c 4 </dev/tcp/\(Rack.address(0))/2378"]).text
            == "SSH-"
    }

    /// What a thief of a worker's card could try with its key.
    private func expectKeyOpensNothingElse(_ rack: Rack) throws {
        // The node's own is gone, so the key comes from the workstation.
        try rack.on("red04", "mkdir", "-p", "/root/stolen")
        for (name, text) in [
            ("key", rack.keys.own.privateKey), ("hosts", "piflash-swarm \(rack.keys.host.publicKey)\n"),
        ] {
            let result = try rack.on(
                "red04", "sh", "-c", "umask 077; printf '%s' \"$1\" >/root/stolen/\(name)", "sh", text)
            #expect(result.succeeded)
        }
        let options = [
            "-F", "/dev/null", "-i", "/root/stolen/key", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
            "UserKnownHostsFile=/root/stolen/hosts", "-o", "StrictHostKeyChecking=yes", "-o",
            "HostKeyAlias=piflash-swarm", "-o", "LogLevel=VERBOSE", "-o", "ConnectTimeout=5",
        ]
        func ssh(_ words: String...) throws -> OutsideTool.Result {
            try rack.runs("red04", ["timeout", "10", "ssh", "-p", "2378"] + options + words)
        }
        let manager = "root@\(Rack.address(0))"
        let token = try ssh(manager, "token")
        #expect(token.text.hasPrefix("SWMTKN-1-"))
        let workerToken = try rack.on("red00", "docker", "swarm", "join-token", "-q", "worker").text
        #expect(token.text == workerToken)
        let now = try ssh(manager, "time")
        #expect(abs((Double(now.text.dropLast()) ?? 0) - Date().timeIntervalSince1970) < 5)
        let other = try rack.on("red03", "docker", "info", "-f", "{{.Swarm.NodeID}}").text.dropLast()
        for request in [
            "", "id", "sh", "token; id", "token $(id)", "token\nid", "token manager", "joined", "joined x",
            "/bin/sh -c id",
            "joined \(other) rack=blue", "scp -f /etc/shadow", "internal-sftp", "docker system dial-stdio",
            String(repeating: "time ", count: 8000),
        ] {
            let answer = try ssh("-T", manager, request)
            #expect(answer.status == 1 && answer.text.isEmpty, "\(request.prefix(40)): \(answer.status) \(answer.text)")
            #expect(answer.errors.contains("swarm-door: "))
        }
        #expect(!(try rack.on("red00", "docker", "node", "inspect", String(other)).text.contains("blue")))
        // Labels are those of the recipe, whatever a node asks for.
        let own = try rack.on("red04", "docker", "info", "-f", "{{.Swarm.NodeID}}").text.dropLast()
        let joined = try ssh(manager, "joined \(own) rack=blue zone=secret")
        #expect(joined.text == "joined\n", "\(joined.errors)")
        let labels = try rack.on("red00", "docker", "node", "inspect", "-f", "{{json .Spec.Labels}}", "red04").text
        #expect(labels == "{\"rack\":\"red\",\"slot\":\"4\"}\n")
        // Forwarding in every direction; a session that does nothing else is cut short by timeout.
        let local = try rack.runs(
            "red04",
            [
                "sh", "-c",
                "timeout 3 ssh -p 2378 \"$@\" & sleep 1; curl -sm 2 --unix-socket /root/stolen/s http://x/info; wait",
                "sh",
            ]
                + options + ["-N", "-L", "/root/stolen/s:/var/run/docker.sock", manager])
        #expect(!local.text.contains("Swarm"), "\(local.errors)")
        #expect(local.errors.contains("open failed"), "\(local.errors)")
        let tcp = try rack.runs(
            "red04",
            ["sh", "-c", "timeout 3 ssh -p 2378 \"$@\" & sleep 1; curl -skm 2 https://127.0.0.1:7777/; wait", "sh"]
                + options + ["-N", "-L", "7777:127.0.0.1:2377", manager])
        #expect(tcp.errors.contains("prohibited"), "\(tcp.errors)")
        let remote = try ssh("-o", "ExitOnForwardFailure=yes", "-N", "-R", "7778:127.0.0.1:22", manager)
        #expect(remote.status == 255 && remote.errors.contains("forwarding failed"), "\(remote.errors)")
        let socks = try rack.runs(
            "red04",
            [
                "sh", "-c",
                "timeout 3 ssh -p 2378 \"$@\" & sleep 1; curl -skm 2 --socks5 127.0.0.1:7779 https://127.0.0.1:2377/; wait",
                "sh",
            ]
                + options + ["-N", "-D", "7779", manager])
        #expect(socks.errors.contains("prohibited"), "\(socks.errors)")
        let direct = try ssh("-W", "127.0.0.1:2377", manager)
        #expect(direct.status == 255 && direct.errors.contains("prohibited"), "\(direct.errors)")
        let tunnel = try ssh("-w", "0:0", "-o", "ExitOnForwardFailure=yes", manager, "time")
        #expect(!tunnel.succeeded, "\(tunnel.errors)")
        let terminal = try ssh("-tt", manager, "time")
        #expect(terminal.errors.contains("PTY allocation request failed"), "\(terminal.errors)")
        let agent = try rack.runs(
            "red04",
            ["sh", "-c", "eval $(ssh-agent) >/dev/null; ssh -vA -p 2378 \"$@\"; kill $SSH_AGENT_PID", "sh"] + options
                + [manager, "time"])
        #expect(!agent.errors.contains("agent forwarding requested"))
        let variable = try ssh("-o", "SetEnv=PIFLASH_ROOT=/tmp", manager, "token")
        #expect(variable.text == workerToken)
        let sftp = try rack.runs("red04", ["timeout", "10", "sftp", "-P", "2378"] + options + [manager])
        #expect(!sftp.succeeded)
        let copy = try rack.runs(
            "red04",
            ["timeout", "10", "scp", "-P", "2378"] + options + ["\(manager):/etc/shadow", "/root/stolen/shadow"])
        #expect(!copy.succeeded)
        let subsystem = try ssh("-s", manager, "sftp")
        #expect(!subsystem.succeeded)
        // No password, no other user, no other host key.
        let password = try ssh("-o", "PubkeyAuthentication=no", manager, "token")
        #expect(password.status == 255)
        // ssh takes the first value of an option, so this one stands before the others.
        let unknown = try rack.runs(
            "red04",
            ["timeout", "10", "ssh", "-p", "2378", "-o", "UserKnownHostsFile=/dev/null"] + options + [manager, "token"])
        #expect(unknown.status == 255 && unknown.errors.contains("Host key verification failed"), "\(unknown.errors)")
        #expect(unknown.text.isEmpty)
        let stranger = try ssh("nobody@\(Rack.address(0))", "token")
        #expect(stranger.status == 255)
        try rack.on("red04", "rm", "-rf", "/root/stolen")
    }

    @Test func `three managers from cold; the first one with a new card joins the others again`() async throws {
        let rack = try await Rack(4, shared: "swarm: { managers: [red00, red01, red02] }\n")
        try rack.on(rack.names)
        let managers = Array(rack.names.dropLast())
        let wanted = managers.map { "\($0) ready active manager" } + ["red03 ready active worker"]
        let formed = try rack.wait("three managers and a worker") {
            try rack.members(seenBy: "red00") == wanted
                && rack.names.allSatisfy { rack.status($0).contains("state: done") }
        }
        Self.say("three managers and a worker have finished after \(formed) s")
        for name in managers { #expect(!rack.file("/etc/piflash/swarm/manager_key", of: name)) }
        let swarm = try rack.on("red01", "docker", "info", "-f", "{{.Swarm.Cluster.ID}}").text
        try rack.flash("red00")
        try rack.on(["red00"])
        let back = try rack.wait("the first manager is back", most: 90) {
            try rack.status("red00").contains("state: done") && rack.members(seenBy: "red01") == wanted
        }
        Self.say("the first manager with a new card is back after \(back) s")
        #expect(try rack.on("red00", "docker", "info", "-f", "{{.Swarm.Cluster.ID}}").text == swarm)
        #expect(try rack.files(holding: "SWMTKN-1-").isEmpty)
    }
}
