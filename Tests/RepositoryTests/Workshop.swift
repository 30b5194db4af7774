import Foundation
import SystemPackage
import TestSupport

/// A copy of the Makefile and the scripts, in which a test may replace a script by a stand-in.
struct Workshop {
    static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    let scratch = ScratchDirectory()

    init() throws {
        try FileManager.default.createDirectory(
            atPath: scratch["tree"].string, withIntermediateDirectories: true)
        for name in ["Makefile", "scripts"] {
            try FileManager.default.copyItem(
                atPath: Self.root.appending(name).string, toPath: scratch["tree/\(name)"].string)
        }
    }

    /// Puts a shell script where `path`, below the copy, names one.
    func standIn(_ path: String, _ body: String) { scratch.writeProgram("#!/bin/sh\n\(body)\n", to: "tree/\(path)") }

    /// A directory of links to these of the machine's programs.
    func programs(_ names: [String]) throws -> FilePath {
        let directory = scratch["programs"]
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        for name in names {
            let path = try OutsideTool("sh").run(["-c", "command -v \"$0\"", name]).text.dropLast()
            try FileManager.default.createSymbolicLink(
                atPath: directory.appending(name).string, withDestinationPath: String(path))
        }
        return directory
    }

    /// Runs make in the copy with these variables and no others.
    func make(_ arguments: String..., environment: [String] = [], path: String = "/usr/bin:/bin") throws
        -> OutsideTool.Result
    {
        try OutsideTool("env").run(
            ["-i", "PATH=\(path)"] + environment + ["make", "-C", scratch["tree"].string] + arguments)
    }

    func text(_ name: String) -> String {
        FileManager.default.fileExists(atPath: scratch[name].string)
            ? String(decoding: scratch.read(name), as: UTF8.self) : ""
    }
}
