import Foundation
package import SystemPackage

/// The piflash that was built together with the tests.
package enum BuiltProgram {
    /// Its path.
    package static func path() throws -> FilePath {
        let tests = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        // Beside the tests; the tests' own program may be SwiftPM's helper, which is elsewhere.
        let candidates = [tests, FilePath(CommandLine.arguments[0]), FilePath(".build/debug/tests")]
            .map { $0.removingLastComponent().appending("piflash") }
        guard let path = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.string) }) else {
            throw OutsideTool.Missing(description: "there is no piflash beside \(tests)")
        }
        return path
    }
}
