import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// The same against real engines, each in a separate network without any way out; what `systemctl restart` does there
/// restarts them really.
@Suite(.serialized) struct RealEngineTests {
    private let rack: NodeRack
    private let engines: RealEngines

    init() throws {
        rack = try NodeRack(["one", "two", "three", "dead"], recipe: "", silent: ["dead"])
        engines = try RealEngines(rack, ["one", "two", "three"])
    }

    private func recipe(_ name: String, _ daemon: String) {
        rack.scratch.write(
            """
            hostname: \(name)
            address: \(rack.address(name))/8
            user: { name: pirate, password: !env PI_PASSWORD }
            docker: { daemon: \(daemon) }
            swarm: { managers: [one], token: "\(SwarmCommandTests.token)" }
            """, to: "rack/\(name).yaml")
    }

    @Test func `a change lands on all, one that stops an engine is taken back, a swarm is listed and dissolved`()
        async throws
    {
        defer {
            rack.stop()
            engines.stop()
        }
        for name in rack.names { recipe(name, "{ labels: [rack=red], shutdown-timeout: 20 }") }
        let first = await rack.run("daemon", "--apply", "--timeout", "30")
        #expect(first.status == 4, "\(first.errors)")
        #expect(first.errors.contains("1 of 4 nodes failed: dead"))
        for name in engines.names {
            #expect(first.errors.contains("\(name): Docker runs with the new settings"))
            #expect(try engines.docker(name, "info", "-f", "{{.Labels}}").contains("rack=red"))
            // What was there before and is in no recipe.
            #expect(rack.daemon(name).contains("deprecated-key-path"))
        }
        let again = await rack.run("daemon", "--apply")
        #expect(again.errors.contains("two: is as the recipe wants it"), "\(again.errors)")

        for name in engines.names { recipe(name, "{ labels: [rack=blue] }") }
        recipe("three", "{ labels: [rack=blue], seccomp-profile: /no/such/profile.json }")
        let second = await rack.run("daemon", "--apply", "--timeout", "30")
        #expect(second.status == 4, "\(second.errors)")
        #expect(
            second.errors.contains("three: failed: Docker does not start with the new settings; the old ones are back"))
        #expect(second.errors.contains("/no/such/profile.json"))
        #expect(second.errors.contains("2 of 4 nodes failed: dead, three"))
        #expect(try engines.docker("one", "info", "-f", "{{.Labels}}").contains("rack=blue"))
        #expect(try engines.docker("two", "info", "-f", "{{.Labels}}").contains("rack=blue"))
        #expect(try engines.docker("three", "info", "-f", "{{.Labels}}").contains("rack=red"))
        #expect(!rack.daemon("one").contains("shutdown-timeout"))

        _ = try engines.docker("one", "swarm", "init", "--advertise-addr", "127.0.0.1")
        let host = try engines.docker("one", "info", "-f", "{{.Name}}").trimmingCharacters(in: .newlines)
        let list = await rack.run("swarm", "ls")
        #expect(list.status == 4)
        #expect(list.output.contains("missing"))
        #expect(list.output.contains(host))
        #expect(list.output.contains("ready"))
        #expect(list.output.contains("leader"))
        // The engines have the machine's name, not the nodes'.
        #expect(list.output.contains("is in this swarm as \(host)"), "\(list.output)")
        #expect(list.output.contains(/two +worker +missing .* not in a swarm\n/), "\(list.output)")
        _ = try engines.docker("two", "swarm", "init", "--advertise-addr", "127.0.0.1")
        let other = await rack.run("swarm", "ls")
        #expect(
            other.output.contains(/two +worker +missing .* belongs to another swarm \(managers: 127\.0\.0\.1:2377\)\n/),
            "\(other.output)")
        _ = try engines.docker("two", "swarm", "leave", "--force")
        let token = await rack.run("swarm", "token")
        #expect(token.status == 0, "\(token.errors)")
        #expect(token.output.wholeMatch(of: /SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}\n/) != nil)
        recipe("one", "{ labels: [rack=green] }")
        let manager = await rack.run("daemon", "--apply", "--timeout", "30", recipes: ["rack/one.yaml"])
        #expect(
            manager.errors.contains("one: Docker runs with the new settings; the swarm has its majority"),
            "\(manager.errors)")
        let kill = await rack.run("swarm", "kill", "--yes")
        #expect(kill.errors.contains("one: the manager left"), "\(kill.errors)")
        #expect(kill.errors.contains("two: is not in a swarm"))
        #expect(try engines.docker("one", "info", "-f", "{{.Swarm.LocalNodeState}}") == "inactive\n")
    }
}

/// dockerds of the machine's own package behind the nodes of a rack.
final class RealEngines: Sendable {
    let names: [String]
    private let rack: NodeRack
    /// Short: a socket's path has at most 107 bytes.
    private let base: String

    init(_ rack: NodeRack, _ names: [String]) throws {
        self.rack = rack
        self.names = names
        var template = Array("/tmp/pfe-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw OutsideTool.Missing(description: "no directory in /tmp") }
        base = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let docker = try Self.find("docker")
        let dockerd = try Self.find("dockerd")
        for tool in ["containerd", "runc", "ip", "unshare"] { _ = try Self.find(tool) }
        for name in names {
            let run = "\(base)/\(name)"
            rack.scratch.write(
                "{\"deprecated-key-path\":\"\(run)/key.json\"}\n", to: "\(name)/root/etc/docker/daemon.json")
            rack.stub(name, "docker", "exec \(docker) -H unix://\(run)/docker.sock \"$@\"")
            rack.stub(name, "dockerd", "exec \(dockerd) \"$@\"")
            rack.stub(name, "journalctl", "tail -n 15 \(run)/log")
            rack.stub(
                name, "systemctl",
                """
                [ "$1" = restart ] || exit 0
                export PATH=$PATH:/usr/sbin:/sbin
                mkdir -p \(run)
                if pid=$(cat \(run)/dockerd.pid 2>/dev/null); then
                    kill "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
                fi
                setsid unshare --net sh -c 'ip link set lo up; exec "$@"' - \(dockerd) \
                    --config-file "$RIG/root/etc/docker/daemon.json" --data-root \(run)/data --exec-root \(run)/exec \
                    --pidfile \(run)/dockerd.pid -H unix://\(run)/docker.sock --iptables=false --bridge=none \
                    --storage-driver=vfs >\(run)/log 2>&1 </dev/null 9>&- &
                until docker version >/dev/null 2>&1; do
                    kill -0 $! 2>/dev/null || exit 1
                    sleep 0.1
                done
                """)
        }
        let started = names.map { name in
            Background {
                try OutsideTool("sh").run(
                    ["\(rack.scratch[name])/bin/systemctl", "restart"],
                    environment: [
                        "PATH": "\(rack.scratch[name])/bin:/usr/bin:/bin", "RIG": rack.scratch[name].string,
                    ])
            }
        }
        for (name, start) in zip(names, started) where try !start.value().succeeded {
            throw OutsideTool.Missing(description: "dockerd: \(log(name))")
        }
    }

    private static func find(_ name: String) throws -> String {
        let directories = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]
        guard let path = directories.map({ "\($0)/\(name)" }).first(where: FileManager.default.isExecutableFile) else {
            throw OutsideTool.Missing(description: "\(name) is not installed: run `make bootstrap`")
        }
        return path
    }

    private func log(_ name: String) -> String {
        (try? String(contentsOfFile: "\(base)/\(name)/log", encoding: .utf8)) ?? "no log"
    }

    func docker(_ name: String, _ arguments: String...) throws -> String {
        let result = try OutsideTool("docker").run(["-H", "unix://\(base)/\(name)/docker.sock"] + arguments)
        guard result.succeeded else { throw OutsideTool.Missing(description: result.errors + log(name)) }
        return result.text
    }

    /// Ends the engines by their ids, and removes what they mounted and wrote.
    func stop() {
        var ids: [pid_t] = []
        for name in names {
            let text = try? String(contentsOfFile: "\(base)/\(name)/dockerd.pid", encoding: .utf8)
            if let id = text.flatMap({ pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) { ids.append(id) }
        }
        for id in ids { kill(id, SIGTERM) }
        for id in ids {
            for _ in 0..<200 where kill(id, 0) == 0 { usleep(50_000) }
        }
        let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n").reversed() {
            let place = line.split(separator: " ")[1]
            if place.hasPrefix(base + "/") { umount2(String(place), Int32(MNT_DETACH)) }
        }
        try? FileManager.default.removeItem(atPath: base)
    }
}
