import Foundation
import SystemPackage
import TestSupport
import Testing

/// A signed archive of Debian packages in a directory, and a system of its own for apt and dpkg, the machine's real ones:
/// PIFLASH_ROOT of a ``NodeRig``.
struct DebianArchive {
    let rig: NodeRig
    private var scratch: ScratchDirectory { rig.scratch }

    /// What sources.list names: no name server knows it, so it is reached by a proxy or as a file.
    static let host = "archive.invalid"

    init(_ rig: NodeRig) throws {
        self.rig = rig
        for directory in [
            "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/apt/lists/partial", "etc/apt/apt.conf.d",
            "etc/apt/trusted.gpg.d", "etc/apt/preferences.d", "var/cache/apt/archives/partial", "var/log/apt",
            "usr/bin",
        ] {
            rig.scratch.write("", to: "root/\(directory)/.keep")
        }
        for directory in ["apt.conf.d", "trusted.gpg.d", "preferences.d"] {
            try FileManager.default.removeItem(atPath: rig.scratch["root/etc/apt/\(directory)/.keep"].string)
        }
        try FileManager.default.removeItem(atPath: rig.scratch["root/var/lib/dpkg/updates/.keep"].string)
        rig.scratch.write("", to: "root/var/lib/dpkg/status")
        let root = rig.scratch["root"].string
        rig.scratch.write(
            """
            Dir "\(root)";
            Dir::Bin::methods "/usr/lib/apt/methods";
            Dir::Bin::dpkg "/usr/bin/dpkg";
            Dir::State::status "\(root)/var/lib/dpkg/status";
            APT::Sandbox::User "root";
            DPkg::Options { "--root=\(root)"; "--force-not-root"; "--force-script-chrootless"; "--log=/dev/null"; };
            DPkg::Path "/usr/sbin:/usr/bin:/sbin:/bin";
            Acquire::Languages "none";

            """, to: "apt.conf")
        // The tests' programs are the first ones in the program's PATH; apt's own helpers need the machine's.
        for name in ["apt-get", "apt-cache"] {
            rig.install(
                name,
                "echo \"$*\" >>\"$RIG/apt.log\"\nexport APT_CONFIG=\"$RIG/apt.conf\" PATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec /usr/bin/\(name) \"$@\""
            )
        }
        rig.install(
            "dpkg",
            "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec /usr/bin/dpkg --root=\"$RIG/root\" --force-not-root --force-script-chrootless --log=/dev/null \"$@\""
        )
        try makeKey()
    }

    /// Runs a command of this machine in the rig's directory.
    @discardableResult
    func run(_ words: String..., input: String = "") throws -> String {
        let result = try OutsideTool(words[0]).run(
            Array(words.dropFirst()), input: Array(input.utf8), environment: ["GNUPGHOME": scratch["gnupg"].string])
        guard result.succeeded else {
            throw OutsideTool.Missing(description: "\(words): \(result.errors)\(result.text)")
        }
        return result.text
    }

    private func makeKey() throws {
        scratch.write("", to: "gnupg/.keep")
        try run("chmod", "700", scratch["gnupg"].string)
        try run(
            "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "piflash test <test@invalid>",
            "ed25519", "sign", "never")
        try run(
            "gpg", "--batch", "--quiet", "--output", scratch["root/etc/apt/trusted.gpg.d/test.gpg"].string, "--export")
    }

    /// Makes a package; with `settings` it has /etc/NAME.conf with that text.
    func add(_ name: String, version: String = "1.0", settings: String? = nil, depends: String? = nil) throws {
        let directory = "packages/\(name)"
        let control =
            "Package: \(name)\nVersion: \(version)\nArchitecture: all\nMaintainer: test <test@invalid>\n"
            + (depends.map { "Depends: \($0)\n" } ?? "") + "Description: a test\n"
        scratch.write(control, to: "\(directory)/DEBIAN/control")
        scratch.write("#!/bin/sh\n", to: "\(directory)/usr/share/\(name)/program")
        if let settings {
            scratch.write("/etc/\(name).conf\n", to: "\(directory)/DEBIAN/conffiles")
            scratch.write(settings, to: "\(directory)/etc/\(name).conf")
        }
        scratch.write("", to: "archive/debian/pool/.keep")
        try run(
            "dpkg-deb", "--root-owner-group", "--build", scratch[directory].string,
            scratch["archive/debian/pool/\(name)_\(version)_all.deb"].string)
    }

    /// Lists the packages, and signs the list as of `date`, in seconds from now.
    func publish(at date: TimeInterval = 0, validFor: TimeInterval = 7 * 86_400) throws {
        var packages = ""
        let pool = scratch["archive/debian/pool"].string
        for file in try FileManager.default.contentsOfDirectory(atPath: pool).sorted() where file.hasSuffix(".deb") {
            let path = "\(pool)/\(file)"
            let sum = try run("sha256sum", path).prefix(64)
            let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
            packages += try run("dpkg-deb", "--field", path)
            packages += "Filename: pool/\(file)\nSize: \(size)\nSHA256: \(sum)\n\n"
        }
        scratch.write(packages, to: "archive/debian/dists/stable/main/binary-all/Packages")
        let architecture = try run("dpkg", "--print-architecture").split(separator: "\n")[0]
        let list = "main/binary-\(architecture)/Packages"
        scratch.write(packages, to: "archive/debian/dists/stable/\(list)")
        let sum = try run("sha256sum", scratch["archive/debian/dists/stable/\(list)"].string).prefix(64)
        func text(_ seconds: TimeInterval) throws -> String {
            try run("date", "-u", "-R", "-d", "@\(Int(Date().timeIntervalSince1970 + seconds))")
                .replacingOccurrences(of: "+0000\n", with: "UTC")
        }
        let release = try """
        Origin: test
        Suite: stable
        Codename: stable
        Architectures: \(architecture)
        Components: main
        Date: \(text(date))
        Valid-Until: \(text(date + validFor))
        SHA256:
         \(sum) \(packages.utf8.count) \(list)

        """
        scratch.write(release, to: "release")
        try? FileManager.default.removeItem(atPath: scratch["archive/debian/dists/stable/InRelease"].string)
        try run(
            "gpg", "--batch", "--quiet", "--clearsign", "--output",
            scratch["archive/debian/dists/stable/InRelease"].string, scratch["release"].string)
    }

    /// Points sources.list at the archive's directory.
    func nameAsFile() {
        scratch.write("deb file:\(scratch["archive/debian"]) stable main\n", to: "root/etc/apt/sources.list")
    }

    /// The state of a package: "installed", "unpacked"; empty for none.
    func state(of package: String) throws -> String {
        let result = try OutsideTool("dpkg-query").run([
            "--admindir=\(scratch["root/var/lib/dpkg"])", "-W", "-f", "${db:Status-Status}", package,
        ])
        return result.text
    }
}

/// A program of Tests that runs beside the test, and ends with it.
final class Helper: @unchecked Sendable {
    // Only ever asked by the test that made it: Process itself is not Sendable.
    private let process = Process()

    /// Starts `script` with Python, and waits until it prints its port.
    let port: Int

    init(_ script: String, _ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try OutsideTool.path(of: "python3"))
        process.arguments = ["-c", script] + arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw OutsideTool.Missing(description: "the helper ended") }
            text += String(decoding: data, as: UTF8.self)
        }
        port = Int(text.prefix { $0.isNumber }) ?? 0
    }

    deinit {
        // A thread of Swift's pool has most signals blocked, and so has its child.
        kill(process.processIdentifier, SIGKILL)
    }

    /// A proxy that asks for a login, writes each request with its login to LOG, and serves DIRECTORY for every host.
    static let proxy = """
        import base64, http.server, os, sys
        directory, log, login = sys.argv[1:4]
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *rest): super().__init__(*rest, directory=directory)
            def do_GET(self):
                given = self.headers.get("Proxy-Authorization", "")
                with open(log, "a") as file: file.write(self.path + " " + given + "\\n")
                if login and given != "Basic " + base64.b64encode(login.encode()).decode():
                    self.send_response(407); self.send_header("Proxy-Authenticate", "Basic realm=x")
                    self.send_header("Content-Length", "0"); self.end_headers(); return
                if "://" in self.path: self.path = "/" + self.path.split("://", 1)[1].split("/", 1)[1]
                super().do_GET()
            def log_message(self, *rest): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    /// Holds the lock FILE as apt does, for SECONDS.
    static let lock = """
        import fcntl, sys, time
        file = open(sys.argv[1], "w")
        fcntl.lockf(file, fcntl.LOCK_EX)
        print(1, flush=True)
        time.sleep(float(sys.argv[2]))
        """
}
