import Diagnostics
import Host

/// What is known of an image when unpacking begins.
struct UnpackingBeginning: Sendable {
    let file: GrowingFile
    /// In bytes, of the complete image.
    let size: Int64
    /// The digest of the source; nil if it was checked before.
    let packed: BackgroundDigest?
}

/// The state that the thread that unpacks an image shares with those that wait for it.
final class UnpackingWork: Sendable {
    private struct State {
        var beginning: UnpackingBeginning?
        var result: Result<Image, Failure>?
        var isStopped = false
    }

    private let state = Monitor(State())

    /// The result; nil while the thread is working.
    var result: Result<Image, Failure>? { state.update { $0.result } }
    var isStopped: Bool { state.update { $0.isStopped } }

    func begin(_ beginning: UnpackingBeginning) { state.update { $0.beginning = beginning } }

    func end(_ result: Result<Image, Failure>) {
        state.update {
            $0.result = result
            // Releases a digest that is no longer needed.
            $0.beginning = nil
        }
    }

    func stop() { state.update { $0.isStopped = true } }

    func wait() -> Result<Image, Failure> { state.wait { $0.result } }

    /// Waits until the image can be read; nil if it can be read only when it is complete.
    func waitForBeginning() -> UnpackingBeginning? {
        state.wait { state -> UnpackingBeginning?? in
            if state.result != nil { return .some(nil) }
            return state.beginning.map { .some($0) }
        }
    }
}
