import threading
from typing import Any

from neuropose_ros.inference.tensorrt.logger import Log, shared_logger


def test_errors_count_before_warnings_and_the_first_before_the_last(trt_now: Any) -> None:
    logger, log = shared_logger(trt_now)
    severity = trt_now.ILogger.Severity
    with log.collecting() as messages:
        assert messages.reason == 'TensorRT gave no reason'
        logger.log(severity.WARNING, 'old plan')
        logger.log(severity.INFO, 'nothing')
        assert messages.reason == 'old plan'
        for index in range(50):
            logger.log(severity.ERROR, f'error {index} ')
    logger.log(severity.ERROR, 'later')
    assert messages.reason == 'error 0; error 1; error 2'


def test_each_thread_gets_its_own_messages_and_all_get_the_rest() -> None:
    log = Log()
    reasons: dict[str, str] = {}
    ready, go_on = threading.Barrier(3), threading.Barrier(3)

    def work(name: str) -> None:
        with log.collecting() as messages:
            ready.wait(5)
            log.add(name, is_error=True)
            go_on.wait(5)
            go_on.wait(5)
        reasons[name] = messages.reason

    threads = [threading.Thread(target=work, args=(name,)) for name in ('a', 'b')]
    for thread in threads:
        thread.start()
    ready.wait(5)
    go_on.wait(5)
    log.add('from a thread of TensorRT', is_error=True)
    go_on.wait(5)
    for thread in threads:
        thread.join(5)
    assert reasons == {'a': 'a; from a thread of TensorRT', 'b': 'b; from a thread of TensorRT'}
