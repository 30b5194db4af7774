import Foundation
package import SystemPackage

/// The library that injects faults into a program's system calls: `Tests/faults/shim.c`, whose head says how.
package enum FaultShim {
    private static let built = Result {
        let library = FilePath(FileManager.default.temporaryDirectory.path).appending("piflash-shim-\(getpid()).so")
        let source = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("faults/shim.c")
        let result = try OutsideTool("gcc").run(
            ["-std=gnu17", "-O1", "-shared", "-fPIC", "-o", library.string, source.string])
        guard result.succeeded else { throw OutsideTool.Missing(description: "gcc: \(result.errors)") }
        atexit { unlink("\(FileManager.default.temporaryDirectory.path)/piflash-shim-\(getpid()).so") }
        return library
    }

    /// The environment that makes a program meet `plan` in what it does with `target`.
    package static func environment(_ plan: String, on target: String, log: FilePath? = nil) throws -> [String: String]
    {
        [
            "LD_PRELOAD": try built.get().string, "FAULT_PLAN": plan, "FAULT_TARGET": target,
            "FAULT_LOG": log?.string ?? "/dev/null",
        ]
    }
}
