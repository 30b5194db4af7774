import Diagnostics
import Filesystems
import Foundation
import Provisioning
import Recipes
import SystemPackage
import TestSupport
import Testing

@testable import Planning

@Suite struct SuppliesTests {
    let scratch = ScratchDirectory()

    private func node(packages: [String] = [], preload: [String] = []) -> Node {
        func located(_ names: [String], from line: Int) -> [Located<String>] {
            names.enumerated().map { index, name in
                Located(scratch[name].string, at: Location(file: "red01.yaml", line: line + index, column: 5))
            }
        }
        var node = Node(
            hostname: Located("red01", at: Location(file: "red01.yaml", line: 1, column: 1)), recipeDigest: "",
            recipePath: scratch["red01.yaml"].string)
        node.docker.packages = located(packages, from: 3)
        node.docker.preload = located(preload, from: 13)
        return node
    }

    @Test func `a node that names no files carries none`() throws {
        let supplies = try Supplies(filesOf: node(), isCancelled: { false })
        #expect(supplies.packages.isEmpty && supplies.savedImages.isEmpty && supplies.certificate == nil)
    }

    @Test func `every file that is missing or not what it should be is reported with its line`() throws {
        scratch.write("not a package", to: "bad.deb")
        scratch.write("not an archive", to: "bad.tar")
        try FileManager.default.createDirectory(
            atPath: scratch["directory.deb"].string, withIntermediateDirectories: true)
        let report = try #require(
            #expect(throws: DiagnosticReport.self) {
                try Supplies(
                    filesOf: node(
                        packages: ["missing.deb", "bad.deb", "directory.deb"], preload: ["missing.tar", "bad.tar"]),
                    isCancelled: { false })
            })
        #expect(report.errors.map(\.location?.line) == [3, 4, 5, 13, 14])
        #expect(report.errors[0].description.contains("docker.packages: there is no file \(scratch["missing.deb"])"))
        #expect(report.errors[1].description.contains("bad.deb is not a Debian package"))
        #expect(report.errors[3].description.contains("docker.preload: there is no file"))
    }

    @Test func `more than fits into memory is refused before it is read`() throws {
        // Sparse: it takes no room on the disk.
        #expect(try OutsideTool("truncate").run(["-s", "2G", scratch["huge.tar"].string]).succeeded)
        let report = try #require(
            #expect(throws: DiagnosticReport.self) {
                try Supplies(filesOf: node(preload: ["huge.tar"]), isCancelled: { false })
            })
        #expect(report.errors.count == 1)
        #expect(
            report.errors[0].description.contains("have 2 GiB; at most 1 GiB can be carried"), "\(report.errors[0])")
    }

    @Test func `supplies that do not fit name the line that asks for them, and other failures pass`() throws {
        scratch.write("x", to: "x")
        let path = Located(scratch["x"].string, at: Location(file: "red01.yaml", line: 7, column: 5))
        let supplies = Supplies(savedImages: [
            .init(path: path, contents: [UInt8](repeating: 0, count: 1 << 20), images: [])
        ]
        )
        let report = try #require(
            #expect(throws: DiagnosticReport.self) {
                try supplies.fitting(in: 4096) { throw Failure(.filesystemFull, "no room") }
            })
        #expect(report.errors.map(\.location?.line) == [7])
        #expect(report.errors[0].description.contains("4 KiB free"), "\(report.errors[0])")
        let other = #expect(throws: Failure.self) {
            try supplies.fitting(in: nil) { throw Failure(.damagedFilesystem, "damaged") }
        }
        #expect(other?.code == .damagedFilesystem)
        // Without supplies, they are not the reason.
        let full = #expect(throws: Failure.self) {
            try Supplies().fitting(in: nil) { throw Failure(.filesystemFull, "no room") }
        }
        #expect(full?.code == .filesystemFull)
        #expect(try supplies.fitting(in: nil) { 5 } == 5)
    }
}
