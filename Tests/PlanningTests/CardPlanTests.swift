import Diagnostics
import Filesystems
import Planning
import Foundation
import Host
import Images
import Recipes
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct CardPlanTests {
    let scratch = ScratchDirectory()

    /// Both partitions are edited: wheezy has no first-boot mechanism.
    @Test(arguments: [SampleImage.hypriot, .raspbianWheezy])
    func `the blocks that a plan calls used make the node's card out of garbage`(_ sample: SampleImage) async throws {
        try sample.make(at: scratch["sample.img"])
        scratch.write("image: { source: sample.img }\nhostname: red01\n", to: "red01.yaml")
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        let cache = ImageCache(
            directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["c"].string]))
        let node = try #require(
            try RecipeLoader(user: user, workingDirectory: scratch.path).loadRack(["red01.yaml"]).nodes.first)
        let plan = try await CardPlanner(
            cache: cache, secrets: UnreadSecrets(), version: "test", now: { 1_770_000_000 }
        ).plan(for: node, in: .placeholders(for: node), events: { _ in }, isCancelled: { false })

        #expect(plan.used.areas.map(\.reasonForWhole) == [nil, nil])
        #expect(plan.content.changes.subtracting(plan.used.ranges).isEmpty)
        #expect(plan.used.ranges.count < plan.content.size / 2)
        let card = try ImageFile(creating: scratch["card.img"], size: plan.content.size)
        try card.write([UInt8](repeating: 0xA5, count: Int(card.size)), at: 0)
        for range in plan.used.ranges.ranges {
            try card.write(plan.content.bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
        }
        let wanted = try ImageFile(creating: scratch["whole.img"], size: plan.content.size)
        try wanted.write(plan.content.bytes(at: 0, count: Int(card.size)), at: 0)
        for path in try Mtools(image: scratch["whole.img"]).paths() {
            let contents = try Mtools(image: scratch["card.img"]).contents(of: path)
            #expect(try contents == Mtools(image: scratch["whole.img"]).contents(of: path))
        }
        let table = try PartitionTable.read(scratch["card.img"])
        for (partition, tool) in zip(table.partitions, [["fsck.fat", "-n"], ["e2fsck", "-f", "-n"]]) {
            scratch.write(try card.bytes(at: partition.range.lowerBound, count: partition.range.count), to: "part")
            let result = try OutsideTool(tool[0]).run(tool.dropFirst() + [scratch["part"].string])
            #expect(result.succeeded, "\(result.text)\(result.errors)")
        }
    }
}
