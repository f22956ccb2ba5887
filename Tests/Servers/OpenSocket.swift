import Glibc
import Synchronization

/// A descriptor that one thread waits at and others may end. Once it is closed its number may be somebody else's, and is not touched again.
final class OpenSocket: Sendable {
    private let number: Mutex<Int32?>
    init(_ number: Int32) { self.number = Mutex(number) }

    /// Nil when it was ended or closed.
    var descriptor: Int32? { number.withLock { $0 } }

    /// Whoever waits at it is woken, and closes it.
    func end() { number.withLock { if let open = $0 { _ = shutdown(open, Int32(SHUT_RDWR)) } } }

    func close() {
        number.withLock {
            if let open = $0 { _ = Glibc.close(open) }
            $0 = nil
        }
    }
}
