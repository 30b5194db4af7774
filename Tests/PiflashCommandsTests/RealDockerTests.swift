import Foundation
import SystemPackage
import TestSupport
import Testing

/// A card's files, given to a real dockerd in a separate network namespace, and the docker command on the other side.
@Suite struct RealDockerTests {
    let harness = CommandHarness()
    private var scratch: ScratchDirectory { harness.scratch }

    private static let recipe = """
        image: { source: sample.img.zip }
        hostname: red01
        address: 192.168.50.11/24
        user: { name: pirate, password: !env PI_PASSWORD }
        docker: { install: none, remote: tls, preload: [web.tar] }

        """

    /// The root partition's part of a card that a recipe makes.
    private func extract(_ image: String) throws {
        let root = try OutsideTool("sfdisk").run(["--json", scratch[image].string])
        let starts = root.text.matches(of: /"start": ([0-9]+)/).compactMap { Int($0.1) }
        let offset = try #require(starts.last) * 512
        let place = "\(scratch[image])?offset=\(offset)"
        try FileManager.default.createDirectory(atPath: scratch["node"].string, withIntermediateDirectories: true)
        for directory in ["etc", "var", "usr"] {
            let dump = try OutsideTool("debugfs").run(["-R", "rdump /\(directory) \(scratch["node"])", place])
            #expect(dump.succeeded, "\(dump.errors)")
        }
        #expect(try OutsideTool("e2fsck").run(["-fn", place]).succeeded)
    }

    /// An image made by docker import and docker save, and made out to be for 64-bit ARM: nothing is run from it.
    private func makeArchive(_ daemon: Daemon) throws {
        scratch.write("hello\n", to: "web/hello")
        try daemon.sh(
            """
            cd "$0" && tar -cf root.tar -C web hello && docker import root.tar web:1 >/dev/null
            docker save -o amd64.tar web:1 && docker rmi web:1 >/dev/null
            mkdir unpacked && tar -xf amd64.tar -C unpacked
            sed -i 's/"architecture":"[a-z0-9]*"/"architecture":"arm64"/' $(ls unpacked/*.json | grep -v manifest)
            tar -cf web.tar -C unpacked $(ls unpacked)
            """)
    }

    @Test func `a card with certificates is reached by who has them, and its images are loaded`() async throws {
        try harness.prepare(.bookworm, recipe: Self.recipe)

        // The archive comes from an engine without any of this.
        scratch.write("{ \"hosts\": [\"unix://\(scratch["maker.sock"])\"] }", to: "maker.json")
        let maker = try Daemon("maker", scratch)
        try makeArchive(maker)
        maker.stop()

        // Looking makes nothing.
        let shown = await harness.run("render", "-r", "red01.yaml")
        #expect(shown.output.contains("root/etc/docker/piflash/key.pem"))
        #expect(!FileManager.default.fileExists(atPath: scratch[".piflash/tls"].string))

        // On another machine's processor it would not run, and that is said before anything is written.
        scratch.write(Self.recipe.replacing("web.tar", with: "amd64.tar"), to: "wrong.yaml")
        let wrong = await harness.run("write", "-r", "wrong.yaml", "--yes", "card.img")
        #expect(wrong.status == 2)
        #expect(wrong.errors.contains("wrong.yaml:5:") && wrong.errors.contains("web:1 is for amd64"))

        let written = await harness.run("write", "-r", "red01.yaml", "--yes", "card.img")
        #expect(written.status == 0, "\(written.errors)")
        let again = await harness.run("configure", "-r", "red01.yaml", "card.img")
        #expect(again.output.contains("nothing to change"), "\(again.output)\(again.errors)")
        try extract("card.img")
        let imported = await harness.run("context", "--output", "out", "red01.yaml")
        #expect(imported.output == "docker context import red01 \(scratch["out/red01.dockercontext"])\n")

        // As rendered, but for places that are this machine's own.
        let daemonFile = String(decoding: scratch.read("node/etc/docker/daemon.json"), as: UTF8.self)
        #expect(daemonFile.contains("tcp://0.0.0.0:2376"))
        scratch.write(
            daemonFile.replacing("/etc/docker/piflash", with: scratch["node/etc/docker/piflash"].string)
                .replacing("/var/run/docker.sock", with: scratch["red01.sock"].string), to: "red01.json")
        let daemon = try Daemon("red01", scratch)
        defer { daemon.stop() }

        let bundle = "--tlsverify --tlscacert out/ca.pem --tlscert out/cert.pem --tlskey out/key.pem"
        let node = "-H tcp://192.168.50.11:2376"
        #expect(try daemon.sh("cd \"$0\" && docker \(bundle) \(node) version -f '{{.Server.Os}}'").text == "linux\n")
        try daemon.sh("cd \"$0\" && docker context import red01 out/red01.dockercontext")
        #expect(try daemon.sh("docker --context red01 version -f '{{.Server.Os}}'").text == "linux\n")
        // By a name in its certificate, too; not by any other name.
        scratch.write("127.0.0.1 localhost\n192.168.50.11 red01 red02\n", to: "hosts")
        func named(_ name: String) -> String {
            "unshare --mount sh -c \"mount --bind hosts /etc/hosts && docker \(bundle) -H tcp://\(name):2376 version "
                + "-f '{{.Server.Os}}'\""
        }
        #expect(try daemon.sh("cd \"$0\" && " + named("red01")).text == "linux\n")
        for refused in [
            named("red02"), named("localhost"), "docker \(bundle) -H tcp://127.0.0.1:2376 version",
            "docker \(node) version", "docker --tls --tlscacert out/ca.pem \(node) version",
            // Somebody else's authority, for the client's certificate and for the server's.
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c -subj /CN=x 2>/dev/null"
                + " && docker --tlsverify --tlscacert out/ca.pem --tlscert c --tlskey k \(node) version",
            "docker \(bundle.replacing("out/ca.pem", with: "c")) \(node) version",
            // A node's certificate is none for a client.
            "docker --tlsverify --tlscacert out/ca.pem --tlscert node/etc/docker/piflash/cert.pem"
                + " --tlskey node/etc/docker/piflash/key.pem \(node) version",
        ] {
            let result = try daemon.run("cd \"$0\" && \(refused)")
            #expect(!result.succeeded && !result.text.contains("API version:  1.41"), "\(refused)")
        }

        try await load(daemon)
    }

    /// Runs the card's own first-boot program on what the card carries.
    private func load(_ daemon: Daemon) async throws {
        let carried = "node/var/cache/piflash/images"
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch[carried].string)
        #expect(names.count == 1 && names[0].hasSuffix("-web.tar"))
        scratch.write("Iface\neth0\n", to: "node/proc/net/route")
        scratch.write("", to: "node/run/systemd/system/.keep")
        scratch.write("", to: "node/boot/firmware/config.txt")
        scratch.writeProgram("#!/bin/sh\necho 'ExecStart=/usr/sbin/dockerd -H fd://'\n", to: "bin/systemctl")
        scratch.writeProgram("#!/bin/sh\necho 'System clock synchronized: yes'\n", to: "bin/timedatectl")
        let program = "PATH=$0/bin:$PATH PIFLASH_ROOT=$0/node PIFLASH_TICK=0 sh node/usr/local/lib/piflash/first-boot"
        for _ in 1...2 {
            let result = try daemon.run("cd \"$0\" && \(program)")
            #expect(result.succeeded, "\(result.errors)")
        }
        let status = String(decoding: scratch.read("node/boot/firmware/piflash/status.txt"), as: UTF8.self)
        #expect(status.contains("state: done"), "\(status)")
        #expect(try daemon.sh("docker image inspect -f '{{.Architecture}}' web:1").text == "arm64\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch[carried].string) == [])
    }
}

/// dockerd with the configuration file NAME.json of a scratch directory, in a separate network where it has the sample
/// node's address. Its socket is NAME.sock; nothing of it is outside the directory.
private final class Daemon {
    private let name: String
    private let scratch: ScratchDirectory
    private let process: Int32

    init(_ name: String, _ scratch: ScratchDirectory) throws {
        self.name = name
        self.scratch = scratch
        // Both are found before anything is started.
        _ = try OutsideTool("docker")
        _ = try OutsideTool("dockerd")
        let start = try OutsideTool("unshare").run([
            "--net", "--mount", "sh", "-c",
            """
            PATH=$PATH:/usr/sbin:/sbin
            cd "$0" && ip link set lo up && ip address add 192.168.50.11/32 dev lo
            dockerd --config-file "$0/$1.json" --data-root "$0/$1.data" --exec-root "$0/$1.run" --pidfile "$0/$1.pid" \
                --bridge none --iptables=false --ip6tables=false --storage-driver vfs </dev/null >"$1.log" 2>&1 &
            echo $!
            """, scratch.path.string, name,
        ])
        guard let process = Int32(start.text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw OutsideTool.Missing(description: "dockerd: \(start.errors)")
        }
        self.process = process
        for _ in 0..<150 where try !run("docker version >/dev/null 2>&1").succeeded { usleep(100_000) }
        guard try run("docker version >/dev/null").succeeded else {
            stop()
            throw OutsideTool.Missing(
                description: "dockerd does not start: \(String(decoding: scratch.read("\(name).log"), as: UTF8.self))")
        }
    }

    /// Runs a shell line in the daemon's network, whose docker command is a newcomer's; $0 is the scratch directory.
    func run(_ line: String) throws -> OutsideTool.Result {
        try OutsideTool("nsenter").run(
            ["--net=/proc/\(process)/ns/net", "sh", "-c", line, scratch.path.string],
            environment: [
                "DOCKER_CONFIG": scratch["client"].string,
                // A context and -H are chosen by the line itself; both are over this.
                "DOCKER_HOST": line.contains("--context") || line.contains(" -H ")
                    ? "" : "unix://\(scratch["\(name).sock"])",
            ])
    }

    @discardableResult
    func sh(_ line: String) throws -> OutsideTool.Result {
        let result = try run(line)
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(line): \(result.errors)") }
        return result
    }

    func stop() {
        // No farewell: that takes seconds, and its mounts go with its namespace.
        let file = try? String(contentsOfFile: scratch["\(name).run/containerd/containerd.pid"].string, encoding: .utf8)
        for process in [process] + [file.flatMap { Int32($0) }].compactMap({ $0 }) {
            kill(process, SIGKILL)
            // A zombie has none.
            for _ in 0..<50 where access("/proc/\(process)/ns/net", F_OK) == 0 { usleep(20_000) }
        }
    }
}
