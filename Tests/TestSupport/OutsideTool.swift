import Foundation
import SystemPackage

/// Runs the independent programs that the tests take as oracles (mtools, fsck.fat, sfdisk, …).
public struct OutsideTool: Sendable {
    public struct Result: Sendable {
        public let status: Int32
        public let output: [UInt8]
        public let errors: String
        public var text: String { String(decoding: output, as: UTF8.self) }
        public var succeeded: Bool { status == 0 }
    }

    public struct Missing: Error, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    private let path: String

    /// Finds `name` in PATH, /usr/sbin and /sbin. A missing oracle is an error, never a skipped test: `.ci/run` installs
    /// them all.
    public init(_ name: String) throws {
        let directories =
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
            + ["/usr/sbin", "/sbin"]
        guard let found = directories.map({ $0 + "/" + name }).first(where: FileManager.default.isExecutableFile) else {
            throw Missing(description: "\(name) is not installed: run `make bootstrap`")
        }
        path = found
    }

    /// Runs the tool to its end; its standard input is `input`.
    public func run(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Files, not pipes: nothing can fill up and block, whatever the tool prints.
        let scratch = ScratchDirectory()
        scratch.write(input, to: "in")
        scratch.write([UInt8](), to: "out")
        scratch.write([UInt8](), to: "err")
        let handles = try [
            FileHandle(forReadingFrom: URL(fileURLWithPath: scratch["in"].string)),
            FileHandle(forWritingTo: URL(fileURLWithPath: scratch["out"].string)),
            FileHandle(forWritingTo: URL(fileURLWithPath: scratch["err"].string)),
        ]
        process.standardInput = handles[0]
        process.standardOutput = handles[1]
        process.standardError = handles[2]
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: scratch.read("out"),
            errors: String(decoding: scratch.read("err"), as: UTF8.self))
    }
}
