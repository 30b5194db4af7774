import Diagnostics
import Host

/// What can be read of an image from the moment it begins to be unpacked.
struct UnpackingBeginning: Sendable {
    let file: GrowingFile
    /// In bytes, as it will be.
    let size: Int64
    /// The digest of the packed file; nil when that was checked before.
    let packed: BackgroundDigest?
}

/// What the thread that unpacks an image, and those that wait for it, know of each other.
final class UnpackingWork: Sendable {
    private struct State {
        var beginning: UnpackingBeginning?
        var result: Result<Image, Failure>?
        var isStopped = false
    }

    private let state = Monitor(State())

    /// The result; nil while the thread works.
    var result: Result<Image, Failure>? { state.update { $0.result } }
    var isStopped: Bool { state.update { $0.isStopped } }

    func begin(_ beginning: UnpackingBeginning) { state.update { $0.beginning = beginning } }

    func end(_ result: Result<Image, Failure>) {
        state.update {
            $0.result = result
            // Lets go of a digest that nobody waits for any more.
            $0.beginning = nil
        }
    }

    func stop() { state.update { $0.isStopped = true } }

    func wait() -> Result<Image, Failure> { state.wait { $0.result } }

    /// Waits until the image can be read; nil when there is nothing to read before it is finished.
    func waitForBeginning() -> UnpackingBeginning? {
        state.wait { state -> UnpackingBeginning?? in
            if state.result != nil { return .some(nil) }
            return state.beginning.map { .some($0) }
        }
    }
}
