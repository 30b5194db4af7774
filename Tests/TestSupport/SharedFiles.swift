import Foundation
import Synchronization
package import SystemPackage

/// Files that many tests need and that take a while to make: each is made once in a run, and every test gets a copy.
package enum SharedFiles {
    /// Puts a copy of the file with this name at `path`. Who comes first makes it, with `make`; the others wait for that.
    package static func copy(_ name: String, to path: FilePath, make: (FilePath) throws -> Void) throws {
        let file = directory[name]
        try entry(name).isMade.withLock { isMade in
            if !isMade { try make(file) }
            isMade = true
        }
        let copied = try OutsideTool("cp").run(["--sparse=always", file.string, path.string])
        guard copied.succeeded else { throw OutsideTool.Missing(description: copied.errors) }
    }

    /// A directory for all tests, which none may change. Who comes first fills it, with `fill`; the others wait for that.
    package static func directory(_ name: String, fill: (FilePath) throws -> Void) throws -> FilePath {
        let place = directory[name]
        try entry(name).isMade.withLock { isMade in
            guard !isMade else { return }
            try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
            try fill(place)
            isMade = true
        }
        return place
    }

    private final class Entry: Sendable {
        let isMade = Mutex(false)
    }

    private static let entries = Mutex<[String: Entry]>([:])

    private static func entry(_ name: String) -> Entry {
        entries.withLock { entries in
            if let known = entries[name] { return known }
            let new = Entry()
            entries[name] = new
            return new
        }
    }

    /// Nothing else ends with the process.
    private static let directory: ScratchDirectory = {
        atexit { try? FileManager.default.removeItem(atPath: SharedFiles.directory.path.string) }
        return ScratchDirectory()
    }()
}
