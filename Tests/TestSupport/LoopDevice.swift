package import SystemPackage

/// A loop device of one test, over its own file; needs root. Only this device, by its exact name, is detached.
package final class LoopDevice {
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    /// "/dev/loop7"
    package let path: FilePath
    package let backingFile: FilePath

    /// - Parameter options: More of losetup's, such as "--read-only" or "--partscan".
    package init(over backingFile: FilePath, options: [String] = []) throws {
        let result = try OutsideTool("losetup").run(["--find", "--show"] + options + [backingFile.string])
        let text = String(result.text.prefix { !$0.isNewline })
        guard result.succeeded, text.hasPrefix("/dev/loop") else {
            throw Refused(description: "losetup (these tests need root and loop devices): \(result.errors)")
        }
        path = FilePath(text)
        self.backingFile = backingFile
    }

    package var kernelName: String { path.lastComponent?.string ?? "" }

    /// Makes the kernel see the partitions that the device's table names, also where it was built without a parser for
    /// such tables; the device must have been made with "--partscan", so that they go with it.
    package func addPartitions() throws {
        let result = try OutsideTool("partx").run(["--update", path.string])
        guard result.succeeded else { throw Refused(description: "partx: \(result.errors)") }
    }

    deinit { _ = try? OutsideTool("losetup").run(["--detach", path.string]) }
}
