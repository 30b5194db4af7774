import Foundation
import SystemPackage
import TestSupport
import Testing

/// Every step with which piflash keeps something on the workstation, or changes a written card, fails once: strace makes
/// the kernel answer one call of a run with an error.
@Suite struct FailingStepsTests {
    /// Runs `arguments` in copies of `base`, each time with another call of this kind failing, until none is left.
    ///
    /// strace counts the calls of each thread, so where several threads make them, one of each fails.
    ///
    /// - Parameters:
    ///   - call: the system call's name.
    ///   - paths: only calls on these files below the directory count.
    ///   - check: looks at what a run has left, and at how it ended.
    /// - Returns: How many runs there were.
    private func failEach(
        _ call: String, _ error: String, _ arguments: [String], in base: Workstation, paths: [String] = [],
        environment: [String: String] = [:], check: (Workstation, OutsideTool.Result, Comment) throws -> Void
    ) throws -> Int {
        for number in 1...200 {
            let world = try Workstation(copying: base)
            let trace = try world.traced(
                arguments, environment: environment, injections: ["\(call):error=\(error):when=\(number)"],
                paths: paths.map { world.scratch[$0].string })
            if trace.injected == 0 { return number - 1 }
            try check(world, trace.result, "\(call) \(number): \(trace.result.errors.suffix(300))")
        }
        Issue.record("\(call): no end")
        return 0
    }

    // MARK: The rack's state

    @Test func `keys that are made once are complete or missing, whichever step fails`() throws {
        let base = try Workstation()
        // A mounted boot partition is not enough for this recipe, which is found out when the keys are made.
        let command = ["configure", "--recipe", "red/red01.yaml", "boot"]
        let names = ["salt.key", "swarm/host", "swarm/nodes.key"].map { "red/.piflash/" + $0 }
        for (call, least) in [("fsync", 8), ("linkat", 4), ("mkdir", 1), ("mkdirat", 1)] {
            let count = try failEach(call, "EIO", command, in: base) { (world, result, moment) throws in
                #expect(result.status == 1, moment)
                #expect(try world.leftovers() == [], moment)
                let made = names.filter(world.has).map { ($0, world.scratch.read($0)) }
                for (name, bytes) in made {
                    let text = String(decoding: bytes, as: UTF8.self)
                    let isWhole = !name.hasSuffix("host") ? bytes.count == 32 : text.hasSuffix("PRIVATE KEY-----\n")
                    #expect(isWhole, "\(moment): \(name)")
                }
                // The next run makes what is missing, and keeps what is there.
                #expect(try world.run(command).status == 2, moment)
                for name in names { #expect(world.has(name), "\(moment): \(name)") }
                for (name, bytes) in made { #expect(world.scratch.read(name) == bytes, "\(moment): \(name)") }
            }
            #expect(count >= least, "\(call)")
        }
    }

    @Test func `certificates and contexts are complete or missing, whichever step fails`() throws {
        let base = try Workstation()
        for (call, least) in [("fsync", 12), ("renameat", 6), ("mkdir", 1), ("mkdirat", 3)] {
            let count = try failEach(call, "EIO", ["context", "red"], in: base) { (world, result, moment) throws in
                #expect(result.status == 1, moment)
                #expect(try world.leftovers() == [], moment)
                for file in try world.files() where file.hasSuffix(".pem") {
                    let text = String(decoding: world.scratch.read(file), as: UTF8.self)
                    #expect(text.hasPrefix("-----BEGIN") && text.hasSuffix("-----\n"), "\(moment): \(file)")
                }
                let authority = ["ca.pem", "ca-key.pem"].map { "red/.piflash/tls/" + $0 }
                if authority.count(where: world.has) == 1 {
                    // Of a rack in use this would be a loss, which no new authority may hide.
                    let refused = try world.run(["context", "red"])
                    #expect(refused.status == 1 && refused.errors.contains("of the two files of its authority"), moment)
                    for name in authority { try? FileManager.default.removeItem(atPath: world.scratch[name].string) }
                }
                let again = try world.run(["context", "red"])
                #expect(again.succeeded, "\(moment), again: \(again.errors)")
                try expectWorkingCertificates(world, moment)
            }
            #expect(count >= least, "\(call)")
        }
    }

    /// The client's certificate is the authority's, and its key is the certificate's, by openssl.
    private func expectWorkingCertificates(_ world: Workstation, _ moment: Comment) throws {
        func path(_ name: String) -> String { world.scratch["red/.piflash/" + name].string }
        let verified = try OutsideTool("openssl").run([
            "verify", "-CAfile", path("tls/ca.pem"), path("tls/client/cert.pem"), path("contexts/cert.pem"),
        ])
        #expect(verified.succeeded, "\(moment): \(verified.errors)")
        let keys = try [
            ["x509", "-pubkey", "-noout", "-in", path("contexts/cert.pem")],
            ["pkey", "-pubout", "-in", path("contexts/key.pem")],
        ].map { try OutsideTool("openssl").run($0).text }
        #expect(keys[0] == keys[1] && !keys[0].isEmpty, moment)
    }

    @Test func `a line of the ledger is complete or missing, whichever step fails`() throws {
        let base = try Workstation()
        #expect(try base.run(["redo", "red01", "red"]).succeeded)
        let ledger = "red/.piflash/ledger"
        let before = base.scratch.read(ledger)
        // strace knows a file that is opened by its name in a directory by that directory.
        let steps = [
            ("fsync", "EIO", [ledger]), ("write", "ENOSPC", [ledger]), ("openat", "EACCES", ["red/.piflash"]),
        ]
        for (call, error, paths) in steps {
            let count = try failEach(call, error, ["redo", "red01", "red"], in: base, paths: paths) {
                (world, result, moment) throws in
                #expect(result.status == 1 && result.errors.contains(call == "openat" ? ".piflash" : "ledger"), moment)
                #expect(world.scratch.read(ledger) == before, moment)
                #expect(try world.run(["redo", "red01", "red"]).succeeded, moment)
                #expect(world.scratch.read(ledger).count { $0 == 10 } == 2, moment)
            }
            #expect(count >= 1, "\(call)")
        }
    }

    @Test func `a set-up is complete or missing, whichever step fails`() throws {
        let base = try Workstation()
        let before = try base.files()
        for (call, least) in [("fsync", 2), ("renameat", 1), ("rename", 1), ("mkdir", 2)] {
            let count = try failEach(call, "EIO", ["new", "single", "place/pi"], in: base) {
                (world, result, moment) throws in
                #expect(result.status != 0, moment)
                let others = try world.files().filter { !$0.hasPrefix("place/pi/") }
                #expect(others == before.filter { world.has($0) }, moment)
                let check = ["check", "--no-image", "--no-secrets", "place/pi"]
                let command = world.has("place/pi") ? check : ["new", "single", "place/pi"]
                #expect(try world.run(command).succeeded, moment)
            }
            #expect(count >= least, "\(call): \(count)")
        }
    }

    // MARK: Written cards

    @Test func `a file of a mounted boot partition is old or new, whichever step fails`() throws {
        let base = try Workstation()
        let command = ["configure", "--recipe", "blue/blue01.yaml", "boot"]
        #expect(try base.run(command).succeeded)
        base.scratch.write(Workstation.bootRecipe.replacing("blue01", with: "navy01"), to: "blue/blue01.yaml")
        let done = try Workstation(copying: base)
        #expect(try done.run(command).succeeded)
        let names = try Set(done.files() + base.files()).filter { $0.hasPrefix("boot/") }
        func contents(_ name: String, in world: Workstation) -> String? {
            world.has(name) ? Self.timeless(String(decoding: world.scratch.read(name), as: UTF8.self)) : nil
        }
        let record = "boot/piflash/card.json"
        let temporary = ["boot", "boot/piflash", "boot/.piflash-unfinished", "boot/piflash/.piflash-unfinished"]
        for (call, error, paths, least) in [
            ("fsync", "EIO", temporary, 8), ("write", "ENOSPC", temporary, 4), ("renameat", "EIO", [], 4),
        ] as [(String, String, [String], Int)] {
            let count = try failEach(call, error, command, in: base, paths: paths) { (world, result, moment) throws in
                #expect(result.status == 1, moment)
                #expect(try world.leftovers() == [], moment)
                var isComplete = true
                for name in names where name != record {
                    let found = contents(name, in: world)
                    let wanted = contents(name, in: done)
                    #expect(found == contents(name, in: base) || found == wanted, "\(moment): \(name)")
                    isComplete = isComplete && found == wanted
                }
                #expect(
                    isComplete || contents(record, in: world) == contents(record, in: base),
                    "\(moment): a record of what is not there")
                let again = try world.run(command)
                #expect(again.succeeded, "\(moment), again: \(again.errors)")
                for name in names {
                    #expect(contents(name, in: world) == contents(name, in: done), "\(moment), again: \(name)")
                }
            }
            #expect(count >= least, "\(call)")
        }
    }

    /// Root partition first, boot partition second, the card's record last: it is true or old.
    @Test func `a card that is configured has each setting old or new, whichever write fails`() throws {
        let base = try Workstation()
        #expect(try base.run(["write", "--recipe", "red/red01.yaml", "--yes", "card.img"]).succeeded)
        try? FileManager.default.removeItem(atPath: base.scratch["cache"].string)
        let recipe = Workstation.recipe(image: base.scratch["sample.img.zip"].string)
        base.scratch.write(recipe.replacing("red01", with: "navy01"), to: "red/red01.yaml")
        base.scratch.write("another secret of the vault", to: "red/vault")
        base.scratch.write("version: '3.7'\nservices: { web: { image: nginx } }\n", to: "red/stack.yml")
        let command = ["configure", "--recipe", "red/red01.yaml", "card.img"]
        let done = try Workstation(copying: base)
        let outcome = try done.run(command)
        #expect(outcome.succeeded && outcome.text.contains("root partition"), "\(outcome.errors)")
        let names = ["user-data", "meta-data", "cmdline.txt", "piflash/card.json"]
        let old = try bootFiles(names, in: base), new = try bootFiles(names, in: done)
        #expect(old["user-data"] != new["user-data"] && old["piflash/card.json"] != new["piflash/card.json"])
        for call in ["pwrite64", "fsync"] {
            let count = try failEach(call, "EIO", command, in: base, paths: ["card.img"]) {
                (world, result, moment) throws in
                #expect(result.status == 1, moment)
                let found = try bootFiles(names, in: world)
                for name in names {
                    #expect(found[name] == old[name] || found[name] == new[name], "\(moment): \(name)")
                }
                let isRecorded = found["piflash/card.json"] == new["piflash/card.json"]
                if isRecorded {
                    for name in names where name != "piflash/card.json" {
                        #expect(found[name] == new[name], "\(moment): \(name)")
                    }
                }
                let boot = try OutsideTool("fsck.fat").run(["-n", try partition(1, of: world)])
                let bad = boot.text.split(separator: "\n").filter { line in
                    ["Bad", "cross", "shares", "truncat", "past"].contains { line.contains($0) }
                }
                #expect(bad.isEmpty, "\(moment): \(bad)")
                // It is sound when its journal is replayed, and a record may only be new if it is.
                let root = try partition(2, of: world)
                #expect(try OutsideTool("e2fsck").run(["-p", root]).status <= 1, moment)
                let isSound = try OutsideTool("e2fsck").run(["-fn", root]).succeeded
                let header = try OutsideTool("dumpe2fs").run(["-h", root]).text
                #expect(isSound || header.contains("not clean"), moment)
                #expect(isSound || !isRecorded, moment)
                guard isSound, !header.contains("not clean") else { return }
                let again = try world.run(command)
                #expect(again.succeeded, "\(moment), again: \(again.errors)")
                #expect(try bootFiles(names, in: world)["piflash/card.json"] == new["piflash/card.json"])
            }
            #expect(count >= (call == "fsync" ? 8 : 12), "\(call): \(count)")
        }
    }

    private func bootFiles(_ names: [String], in world: Workstation) throws -> [String: String] {
        let card = Mtools(image: world.scratch["card.img"])
        return try Dictionary(uniqueKeysWithValues: names.map { ($0, Self.timeless(try card.text(of: $0))) })
    }

    /// Without what depends on the time of a run, which no two runs share: times, digests and what is in base64.
    private static func timeless(_ text: String) -> String {
        text.replacing(/[0-9A-Za-z+\/=]{24,}/, with: "#").replacing(/[0-9a-f]{12}/, with: "#")
            .replacing(/[0-9]+/, with: "0")
    }

    /// A copy of a partition, by dd.
    private func partition(_ number: Int, of world: Workstation) throws -> String {
        let table = try OutsideTool("sfdisk").run(["--dump", world.scratch["card.img"].string])
        let ranges = table.text.matches(of: /start= *(\d+), size= *(\d+)/)
        let range = try #require(ranges.count >= number ? ranges[number - 1] : nil)
        let file = world.scratch["card.p\(number)"].string
        let copied = try OutsideTool("dd").run([
            "if=\(world.scratch["card.img"])", "of=\(file)", "bs=512", "skip=\(range.1)", "count=\(range.2)",
            "status=none", "conv=sparse",
        ])
        guard copied.succeeded else { throw OutsideTool.Missing(description: copied.errors) }
        return file
    }

    // MARK: Images

    @Test func `an image in the cache is complete or missing, whichever step fails`() throws {
        let base = try Workstation()
        // Without a yes it ends when the image is unpacked and the card is planned.
        let write = ["write", "--recipe", "red/red01.yaml", "card.img"]
        #expect(try base.run(["configure", "--recipe", "red/red01.yaml", "boot"]).status == 2)
        #expect(try base.run(["context", "red"]).succeeded)
        for (call, error, least) in [("fsync", "EIO", 3), ("renameat", "EIO", 3), ("ftruncate", "ENOSPC", 1)] {
            let count = try failEach(call, error, write, in: base) { (world, result, moment) throws in
                #expect(result.status != 0, moment)
                #expect(try world.leftovers() == [], moment)
                #expect(!world.has("card.img"), moment)
                let again = try world.run(write + ["--yes"])
                #expect(again.succeeded, "\(moment), again: \(again.errors)")
                let images = try world.files().filter { $0.hasPrefix("cache/") && $0.hasSuffix(".img") }
                #expect(images.count == 1, moment)
                for image in images {
                    let compared = try OutsideTool("cmp").run(
                        [base.scratch["sample.img"].string, world.scratch[image].string])
                    #expect(compared.succeeded, moment)
                }
            }
            #expect(count >= least, "\(call): \(count)")
        }
    }

    @Test func `a card's file is the old one or the new one, or has no partition table, whichever step fails`() throws {
        let base = try Workstation()
        let write = ["write", "--recipe", "red/red01.yaml", "--yes", "card.img"]
        #expect(try base.run(write).succeeded)
        let whole = base.scratch["card.img"].string
        let temporary = ".card.img.piflash-part"
        for (call, error, least) in [("fsync", "EIO", 5), ("renameat", "EIO", 1), ("pwrite64", "ENOSPC", 3)] {
            // The name is changed in its directory.
            let paths = ["fsync": [temporary, "."], "renameat": ["."]][call] ?? [temporary]
            let count = try failEach(call, error, write, in: base, paths: paths) { (world, result, moment) throws in
                #expect(result.status == 1, moment)
                #expect(try world.leftovers() == [], moment)
                let card = world.scratch["card.img"].string
                let isOld = try OutsideTool("cmp").run([whole, card]).succeeded
                let first = try OutsideTool("head").run(["-c", "1048576", card]).output
                #expect(isOld || first.holdsOnly(0), moment)
                #expect(try world.run(write).succeeded, moment)
            }
            #expect(count >= least, "\(call): \(count)")
        }
    }
}
