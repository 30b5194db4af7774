public import SystemPackage

/// A loop device of a test's own, over a file in its scratch directory; detached with its owner. Needs root.
public final class LoopDevice: Sendable {
    /// "/dev/loop3"
    public let path: String
    public let file: FilePath

    /// - Parameter bytes: The size, a multiple of 512.
    public init(bytes: Int, in scratch: ScratchDirectory, name: String = "loop.bin") throws {
        file = scratch[name]
        let made = try OutsideTool("truncate").run(["-s", "\(bytes)", file.string])
        guard made.succeeded else { throw OutsideTool.Missing(description: made.errors) }
        let attached = try OutsideTool("losetup").run(["--find", "--show", file.string])
        guard attached.succeeded else {
            throw OutsideTool.Missing(description: "loop devices need root: \(attached.errors)")
        }
        path = String(attached.text.prefix { $0 != "\n" })
    }

    deinit { _ = try? OutsideTool("losetup").run(["--detach", path]) }
}
