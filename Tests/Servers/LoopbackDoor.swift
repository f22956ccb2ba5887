import Foundation
import Glibc

/// A port on loopback behind which a test's server stands. Each visitor is served on a thread of its own.
public final class LoopbackDoor: Sendable {
    public let port: Int
    private let listener: OpenSocket

    /// - Parameter waitingMax: visitors that may wait to be let in.
    public init(waitingMax: Int32 = 128) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isReady = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && listen(listener, waitingMax) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        precondition(isReady, "no port on loopback")
        self.listener = OpenSocket(listener)
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    /// Lets visitors in until `stop`.
    /// - Parameter serve: has the visitor's descriptor to itself, which it closes, and a thread. Hold the server weakly in it, or it never goes.
    public func open(_ serve: @escaping @Sendable (Int32) -> Void) {
        let listener = listener
        guard let number = listener.descriptor else { return }
        Thread.detachNewThread {
            while true {
                let visitor = accept(number, nil, nil)
                if visitor >= 0 {
                    Thread.detachNewThread { serve(visitor) }
                } else if errno != EINTR, errno != ECONNABORTED {
                    break
                }
            }
            listener.close()
        }
    }

    /// Nobody is let in any more.
    public func stop() { listener.end() }
    deinit { stop() }
}
