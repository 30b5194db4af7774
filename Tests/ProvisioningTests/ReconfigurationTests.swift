import Diagnostics
import Recipes
import Systems
import Testing
import Text

@testable import Provisioning

@Suite struct ReconfigurationTests {
    @Test(arguments: Sample.flavours)
    func `the same input gives the same bytes, and a second configuration changes nothing`(_ flavour: OSProfile.Flavour)
        async throws
    {
        let boot = Sample.boot(flavour)
        let first = try await Sample.provision(Sample.full(), flavour)
        #expect(try await Sample.provision(Sample.full(), flavour) == first)
        let card = boot.applying(first)
        let second = try await Sample.provision(Sample.full(), flavour, boot: card)
        #expect(card.applying(second) == card)
    }

    @Test(arguments: Sample.flavours)
    func `what a recipe no longer has is taken back`(_ flavour: OSProfile.Flavour) async throws {
        let boot = Sample.boot(flavour)
        let path = Sample.profile(flavour).cmdlinePath
        let card = boot.applying(try await Sample.provision(Sample.full(), flavour))
        let second = try await Sample.provision(Sample.bare(), flavour, boot: card)
        #expect(second.removedBootFiles == ["piflash/join-token"])
        let after = card.applying(second)
        let fresh = boot.applying(try await Sample.provision(Sample.bare(), flavour))
        #expect(after.files["user-data"] == fresh.files["user-data"])
        let line = try KernelCommandLine(parsing: try #require(after.files[path]), path: path)
        #expect(try line == KernelCommandLine(parsing: try #require(fresh.files[path]), path: path))
    }

    @Test func `another country replaces the one of the last time`() async throws {
        var node = Sample.full()
        var card = Sample.boot(.ubuntuCloudInit)
        for country in ["DE", "US", "US", "GB"] {
            node.wifi?.country = Sample.at(country)
            card = card.applying(try await Sample.provision(node, .ubuntuCloudInit, boot: card))
            #expect(
                card.text("current/cmdline.txt")
                    == "console=tty1 root=LABEL=writable rootwait fixrtc cgroup_enable=cpuset cgroup_enable=memory cgroup_memory=1 cfg80211.ieee80211_regdom=\(country)\n"
            )
        }
    }

    @Test func `the instance's id changes with what cloud-init reads, and not with the token`() async throws {
        func id(_ change: (inout Node) -> Void) async throws -> String? {
            var node = Sample.full()
            change(&node)
            return try await Sample.provision(node, .raspberryPiOSCloudInit).text("meta-data")
        }
        let base = try await id { _ in }
        #expect(base?.contains(/^instance-id: piflash-red01-[0-9a-f]{12}\ndsmode: "local"\n$/) == true)
        #expect(try await id { $0.swarm?.token = Sample.secret(Sample.token.replacing("-0ab", with: "-0zz")) } == base)
        #expect(try await id { $0.locale.keyboard = nil } != base)
        #expect(try await id { $0.firstBoot.run[0].value += " " } != base)
        #expect(try await id { $0.network.dns = [] } != base)
    }

    @Test func `a clock that has run since stays`() async throws {
        var boot = Sample.boot(.hypriotCloudInit)
        #expect(
            try await Sample.provision(Sample.bare(), .hypriotCloudInit).text("fake-hwclock.data")
                == "2026-08-17 10:15:00\n")
        boot.files["fake-hwclock.data"] = Array("2026-08-17 10:15:01\n".utf8)
        #expect(
            try await Sample.provision(Sample.bare(), .hypriotCloudInit, boot: boot).text("fake-hwclock.data") == nil)
        boot.files["fake-hwclock.data"] = Array("rubbish".utf8)
        #expect(
            try await Sample.provision(Sample.bare(), .hypriotCloudInit, boot: boot).text("fake-hwclock.data") != nil)
    }

    @Test func `a damaged record does not refuse a card, and cannot name a file to remove`() async throws {
        for text in [
            "", "{", "[]",
            "{\"node\": \"x\", \"files\": [\"kernel.img\", \"../x\", \"user-data\"], \"cmdlineAdded\": [\"resize!\"]}",
        ] {
            var boot = Sample.boot(.raspberryPiOSCloudInit)
            boot.files[CardRecord.path] = Array(text.utf8)
            #expect(
                try await Sample.provision(Sample.bare(), .raspberryPiOSCloudInit, boot: boot).removedBootFiles == [])
        }
    }
}

@Suite struct CardRecordTests {
    @Test func `a record is read as it was written, and unknown members are not an error`() throws {
        var record = CardRecord(
            node: "red01", role: "worker", recipe: "red01.yaml", recipeDigest: "ab",
            image: ImageIdentity(name: "a \"b\".img", digest: "cd"), flavour: .hypriotCloudInit, release: "v1.12.3",
            writtenAt: Sample.flashTime, version: "1.0.0", files: ["user-data"], cmdlineAdded: ["x=1"])
        #expect(try CardRecord(decoding: record.encoded) == record)
        record.image = nil
        record.role = nil
        record.release = nil
        #expect(try CardRecord(decoding: record.encoded) == record)
        let later = try CardRecord(decoding: Array(#"{"schema": 9, "node": "n", "new": [1], "flavour": "plan9"}"#.utf8))
        #expect(later.node == "n")
        #expect(later.schema == 9)
        #expect(later.flavour == nil)
        #expect(throws: Failure.self) { try CardRecord(decoding: Array("nonsense".utf8)) }
    }

    @Test func `times are those of the calendar`() {
        #expect(UTCTime(seconds: 0).iso8601 == "1970-01-01T00:00:00Z")
        #expect(UTCTime(seconds: 951_782_400).iso8601 == "2000-02-29T00:00:00Z")
        #expect(UTCTime(seconds: 4_107_542_399).iso8601 == "2100-02-28T23:59:59Z")
        for seconds in stride(from: Int64(0), to: 8_000_000_000, by: 86_400 * 17 + 3_607) {
            #expect(UTCTime(plain: UTCTime(seconds: seconds).plain)?.seconds == seconds)
        }
        #expect(UTCTime(plain: "2026-13-01 00:00:00") == nil)
        #expect(UTCTime(plain: "") == nil)
    }
}
