import Foundation
import SystemPackage
import TestSupport
import Testing

/// What make does on machines other than the one that has all.
@Suite struct MakefileTests {
    @Test(arguments: ["build", "release", "demo", "test", "test-long", "install", "lint"])
    func `nothing goes on if a package cannot be installed`(_ target: String) throws {
        let workshop = try Workshop()
        workshop.standIn("scripts/bootstrap", "echo 'E: Unable to locate package' >&2; exit 100")
        workshop.standIn("scripts/swift", "echo \"$*\" >>'\(workshop.scratch["swift.log"])'")
        let result = try workshop.make(target)
        #expect(!result.succeeded)
        #expect(result.errors.hasPrefix("E: Unable to locate package\nmake: "), "\(result.errors)")
        #expect(workshop.text("swift.log") == "")
    }

    @Test(arguments: ["build", "release", "demo", "test", "test-long", "install", "lint", "format"])
    func `without Swift, one line says where to get it, and nothing is installed`(_ target: String) throws {
        let workshop = try Workshop()
        let path = try workshop.programs(["sh", "make", "dirname", "id", "env"])
        let result = try workshop.make(target, path: path.string)
        #expect(!result.succeeded)
        let lines = result.errors.split(separator: "\n").filter { !$0.hasPrefix("make: ") }
        #expect(lines.count == 1, "\(result.errors)")
        #expect(lines.first?.contains("Swift 6.2 or later") == true)
        #expect(lines.first?.contains("https://www.swift.org/install/linux/") == true)
        #expect(!result.text.contains("installing"))
    }

    @Test func `another swift can be named`() throws {
        let workshop = try Workshop()
        workshop.standIn("scripts/bootstrap", "")
        workshop.standIn("my-swift", "echo \"mine: $*\"")
        #expect(try workshop.make("build", "SWIFT=./my-swift").text.contains("mine: build\n"))
    }
}

/// make under sudo: root's PATH names no Swift, the caller's does.
@Suite struct SudoTests {
    /// Runs make as sudo does for a user "teacher" who is there in this run only. The tree is theirs, and a stand-in for
    /// Swift is in the PATH that their login shell sets.
    private static func sudoMake(_ workshop: Workshop, _ arguments: [String]) throws -> OutsideTool.Result {
        let scratch = workshop.scratch
        let home = scratch["home"].string
        scratch.write("teacher:x:4242:4242::\(home):/bin/sh\n", to: "passwd")
        scratch.write("teacher:x:4242:\n", to: "group")
        scratch.write("teacher:*:19000:0:99999:7:::\n", to: "shadow")
        scratch.write(
            "echo 'Good morning. swift: no'\nPATH=\"$HOME/.local/share/swiftly/bin:$PATH\"\n", to: "home/.profile")
        scratch.writeProgram(
            """
            #!/bin/sh
            echo "$(id -un) $HOME $*" >>'\(scratch["swift.log"])'
            case "$*" in *--show-bin-path) echo '\(scratch["tree/products"])' ;; esac
            """, to: "home/.local/share/swiftly/bin/swift")
        workshop.standIn("scripts/bootstrap", "")
        workshop.standIn("products/piflash", "")
        workshop.standIn("products/piflashPackageTests.xctest", "echo \"tests: $(id -un) $*\"")
        workshop.standIn("Benchmarks/bench", "echo \"bench: $(id -un)\"")
        return try OutsideTool("unshare").run(
            [
                "--mount", "sh", "-euc",
                """
                cd "$0"
                for name in passwd group shadow; do
                    cat /etc/$name >>$name
                    mount --bind $name /etc/$name
                done
                touch swift.log
                chown -R teacher:teacher tree home swift.log
                cd tree
                exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root SUDO_USER=teacher SUDO_UID=4242 \
                    SUDO_GID=4242 make "$@"
                """, scratch.path.string,
            ] + arguments)
    }

    @Test func `sudo make install builds as the caller, and installs as root`() throws {
        let workshop = try Workshop()
        let result = try Self.sudoMake(workshop, ["install", "DESTDIR=\(workshop.scratch["dest"])"])
        #expect(result.succeeded, "\(result.text)\(result.errors)")
        let home = workshop.scratch["home"]
        #expect(
            workshop.text("swift.log") == """
                teacher \(home) build -c release --static-swift-stdlib --product piflash
                teacher \(home) build -c release --show-bin-path

                """)
        #expect(FileManager.default.isExecutableFile(atPath: workshop.scratch["dest/usr/local/bin/piflash"].string))
        let owner = try workshop.scratch["dest/usr/local/bin/piflash"].stat().userID
        #expect(owner.rawValue == 0)
    }

    @Test func `sudo make test builds as the caller, and tests as root`() throws {
        let workshop = try Workshop()
        let result = try Self.sudoMake(workshop, ["test"])
        #expect(result.succeeded, "\(result.text)\(result.errors)")
        let runs = result.text.split(separator: "\n").filter { $0.hasPrefix("tests: ") || $0.hasPrefix("bench: ") }
        // Every test once: those that a pattern names, and those that it does not. Who is first does not matter.
        let options = "tests: root --testing-library swift-testing "
        let patterns = runs.filter { $0.hasPrefix(options) }.map { $0.dropFirst(options.count).split(separator: " ") }
        #expect(Set(patterns.compactMap(\.first)) == ["--filter", "--skip"], "\(result.text)")
        #expect(Set(patterns.compactMap(\.last)).count == 1 && patterns.count == 2)
        #expect(runs.last == "bench: root" && runs.count == 3)
        let log = workshop.text("swift.log").split(separator: "\n")
        #expect(!log.isEmpty && log.allSatisfy { $0.hasPrefix("teacher \(workshop.scratch["home"]) build ") })
    }
}
