import Foundation
import SystemPackage
import TestSupport
import Testing

/// `make demo`'s script with the program that was built with these tests.
@Suite struct DemoTests {
    @Test func `the demo takes a relative path, and prints no escape codes into a pipe`() throws {
        let workshop = try Workshop()
        try FileManager.default.copyItem(
            atPath: Workshop.root.appending("recipes").string, toPath: workshop.scratch["tree/recipes"].string)
        // The state of racks that were made in the tree, which belong to who made them.
        let cleaned = try OutsideTool("find").run([
            workshop.scratch["tree/recipes"].string, "-name", ".piflash", "-prune", "-exec", "rm", "-r", "{}", "+",
        ])
        #expect(cleaned.succeeded, "\(cleaned.errors)")
        try FileManager.default.createSymbolicLink(
            atPath: workshop.scratch["piflash"].string, withDestinationPath: BuiltProgram.path().string)
        // Relative to where it is called, which is not where it works.
        let result = try OutsideTool("sh").run(
            ["-c", "cd \"$0\" && tree/scripts/demo ./piflash 2>&1 | cat", workshop.scratch.path.string])
        #expect(result.text.contains("hostname: \"red04\""), "\(result.text)")
        #expect(!result.output.contains(0x1B))
    }
}
