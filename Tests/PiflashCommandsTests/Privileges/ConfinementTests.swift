import Foundation
import SystemPackage
import TestSupport
import Testing

/// If root itself calls, what strangers wrote is read by processes without rights.
@Suite struct ConfinementTests {
    /// Functions with which libraries begin to read what a stranger wrote.
    private static let beginnings = [
        "archive_read_new", "blkid_new_probe", "ext2fs_open2", "lzma_file_info_decoder", "lzma_block_decoder",
        "lzma_stream_decoder", "isal_inflate_init", "inflateInit2_",
    ]

    /// A library that ends a process which calls one of them. It is loaded into the first process only: the others start
    /// with an empty environment.
    private func forbidding(in station: SudoWorkstation) throws -> String {
        let source = Self.beginnings.map { "void *\($0)(void) { say(\"\($0)\"); return 0; }" }.joined(separator: "\n")
        station.vault.write(
            """
            #include <stdlib.h>
            #include <string.h>
            #include <unistd.h>
            static void say(const char *name) {
                write(2, "FORBIDDEN ", 10);
                write(2, name, strlen(name));
                _exit(99);
            }
            \(source)

            """, to: "forbid.c")
        try station.sh("gcc -shared -fPIC -w -o forbid.so forbid.c", at: station.vault.path)
        return station.vault["forbid.so"].string
    }

    /// Runs piflash as root without sudo.
    private func root(
        _ arguments: [String], in station: SudoWorkstation, environment more: [String: String] = [:],
        before: [String] = []
    ) throws -> OutsideTool.Result {
        try OutsideTool("sh").run(
            [
                "-c", "cd \"$0\" && unset SUDO_UID SUDO_GID SUDO_USER && exec \"$@\"", station.home.path.string,
            ] + before + [BuiltProgram.path().string] + arguments,
            environment: [
                "HOME": station.home.path.string, "XDG_CACHE_HOME": station.home["cache"].string,
                "PI_PASSWORD": "black pearl",
            ].merging(more) { $1 })
    }

    private func station() throws -> SudoWorkstation {
        let station = try SudoWorkstation()
        try station.sh("chown -hR 0:0 .", at: station.home.path)
        try station.sh(
            """
            zip -q -1 s.zip sample.img && gzip -1 -c sample.img >s.gz && xz -0 -c sample.img >s.xz \
            && xz -0 --block-size=32MiB -c sample.img >blocks.xz && zstd -q -1 -c sample.img >s.zst && chmod 600 s.* *.xz
            """, at: station.home.path)
        return station
    }

    @Test func `root's process calls no library that reads strangers' bytes`() throws {
        let station = try station()
        let library = try forbidding(in: station)
        let file = station.home["card.bin"]
        try station.sh("truncate -s 160M card.bin", at: station.home.path)
        let card = try LoopDevice(over: file)
        let device = card.path.string
        for (number, image) in ["sample.img", "s.zip", "s.gz", "s.xz", "blocks.xz", "s.zst"].enumerated() {
            let recipe = SudoWorkstation.recipe(password: "!env PI_PASSWORD")
                .replacingOccurrences(of: "../sample.img", with: "../\(image)")
            station.home.write(recipe, to: "red/red01.yaml")
            for arguments in [
                ["image", "info", image], ["write", "--recipe", "red/red01.yaml", "--yes", device],
                ["inspect", device], ["configure", "--recipe", "red/red01.yaml", "--yes", device],
            ].prefix(number == 0 ? 4 : 2) {
                let result = try root(arguments, in: station, environment: ["LD_PRELOAD": library])
                #expect(result.succeeded, "\(image), \(arguments): \(result.errors)")
            }
        }
        // Without confinement the same library ends it: as the user, under sudo, it reads itself.
        try station.giveHome()
        try station.sh("chmod 755 . && chmod 644 forbid.so", at: station.vault.path)
        let control = try station.sudo(["image", "info", "s.zip"], environment: ["LD_PRELOAD": library])
        #expect(control.status == 99, "\(control.errors)")
    }

    @Test func `what a confined process reads is what any process reads`() throws {
        let station = try station()
        var answers: [[String]] = []
        for confined in [true, false] {
            var texts: [String] = []
            try station.sh("rm -rf cache red/.piflash", at: station.home.path)
            if !confined { try station.giveHome() }
            for arguments in [
                ["image", "info", "--json", "blocks.xz"], ["image", "info", "--json", "s.zip"],
                ["render", "--recipe", "red/red01.yaml", "--into", confined ? "tree0" : "tree1"],
            ] {
                let result = confined ? try root(arguments, in: station) : try station.sudo(arguments)
                #expect(result.succeeded, "\(arguments): \(result.errors)")
                texts.append(result.text)
            }
            answers.append(texts)
        }
        #expect(answers[0].prefix(2) == answers[1].prefix(2))
        #expect(answers[0][0].contains("ext4"))
        let trees = try OutsideTool("sh").run([
            "-c", "cd \"$0\" && diff -r tree0 tree1 | grep -c '^Only in'; find tree0 -type f | wc -l",
            station.home.path.string,
        ])
        #expect(trees.text.hasPrefix("0\n"), "\(trees.text)")
        #expect(trees.text != "0\n0\n")
    }

    @Test func `a confined process owns nothing, opens nothing, and inherits nothing`() throws {
        let station = try station()
        let log = station.vault["trace"].string
        let result = try root(
            ["write", "--recipe", "red/red01.yaml", "--yes", "out.img"], in: station,
            before: [
                try OutsideTool.path(of: "strace"), "-f", "--seccomp-bpf", "-qq", "-s", "4096", "-o", log, "-e",
                "trace=%file,setresuid,prctl,clone,clone3,vfork,fork",
            ])
        #expect(result.succeeded, "\(result.errors)")
        let text = String(decoding: station.vault.read("trace"), as: UTF8.self)
        let trace = RightsTrace(of: text, user: 65534)
        #expect(trace.started.contains { $0.contains("__read-strangers\", \"archive\"], 0x") })
        #expect(trace.started.contains { $0.contains("__read-strangers\", \"filesystem\"], 0x") })
        #expect(trace.started.filter { $0.contains("__read-strangers") }.allSatisfy { $0.contains("/* 0 vars */") })
        #expect(text.contains("PR_SET_NO_NEW_PRIVS, 1"))
        let system = ["/etc/", "/lib", "/usr/", "/proc/", "/sys/", "/dev/null"]
        #expect(
            trace.asUser.filter { use in
                use.call != "prctl" && !use.path.isEmpty && !system.contains { use.path.hasPrefix($0) }
            } == [])
    }

    @Test func `a process that cannot give up its rights reads nothing`() throws {
        let station = try station()
        let result = try root(
            ["image", "info", "s.zip"], in: station,
            before: [
                try OutsideTool.path(of: "strace"), "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e",
                "trace=setresuid", "-e", "inject=setresuid:error=EAGAIN",
            ])
        #expect(result.status == 1)
        #expect(result.errors.contains("without rights"), "\(result.errors)")
        for arguments in [["__read-strangers", "archive"], ["__read-strangers", "nonsense"], ["__read-strangers"]] {
            #expect(try root(arguments, in: station).status == 2)
        }
    }
}
