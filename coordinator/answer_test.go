package coordinator_test

import (
	"encoding/json"
	"strings"
	"testing"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

func asked(want mapreduce.Want) mapreduce.Asked {
	return mapreduce.Asked{Want: want, Job: "count", UID: "u2", Reply: "r"}
}

func ended(state mapreduce.State) mapreduce.End {
	return mapreduce.End{Version: 1, UID: "u1", State: state, Reason: "cancelled on request"}
}

func TestCancelIsAnsweredByWhatWasDecided(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.on(asked(mapreduce.WantCancel), `end cancelled: cancelled on request`)
	s.on(ended(mapreduce.Cancelled), `
		withdraw [2]
		record cancelled cancelled on request
		tell u1 cancelled
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record cancelled, swept
		answer r: cancelled`)
	s.on(asked(mapreduce.WantCancel), `answer r: cancelled`)
}

func TestCancelThatComesAfterTheDecisionIsTooLate(t *testing.T) {
	s := finishing(t)
	s.on(asked(mapreduce.WantCancel), `end cancelled: cancelled on request`)
	s.on(done(), `answer r: too late: that job count is done was decided before`)
	s.on(asked(mapreduce.WantCancel), `answer r: too late: that job count is done was decided before`)
	s.play(committed(mapreduce.Finish, 0))
	s.on(asked(mapreduce.WantCancel), `answer r: job count is done already`)
}

func TestRetryIsANewSubmissionAndTheOldOneGoes(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.on(asked(mapreduce.WantRetry), `answer r: job count is mapping: only a job that failed or was cancelled can be retried`)
	s.play(asked(mapreduce.WantCancel), ended(mapreduce.Cancelled))
	s.on(asked(mapreduce.WantRetry), `
		record queued
		record removed
		forget u1, whole: true
		record removed, swept
		answer r: queued
		record planning
		tell u2 planning
		enqueue plan.0`)
	s.on(committed(mapreduce.Map, 0), ``) // of an attempt that did not hear of it
	s.on(mapreduce.Tick{}, `
		tell u2 planning
		forget u1, whole: true`)
}

// Its leader ended between recording the retry and removing the first try.
func TestRetryThatWasCutShortIsFinished(t *testing.T) {
	s := newScene(t, coordinator.Config{})
	s.play(inherited(mapreduce.Queued, mapreduce.Cancelled)...)
	spec := count()
	retry := queued(0, &spec)
	retry.UID, retry.Retry = "u2", 1
	s.play(mapreduce.Restored{Record: retry}, beat("w1"))
	s.on(mapreduce.Replayed{}, `
		record removed
		forget u1, whole: true
		record removed, swept
		record planning
		tell u2 planning
		enqueue plan.0
		sweep the lanes of 1`)
}

func TestRemovedJobLeavesItsIDFree(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.on(asked(mapreduce.WantRemove), `answer r: job count is mapping: cancel it first (`+"`jetreduce cancel count`)")
	s.play(asked(mapreduce.WantCancel), ended(mapreduce.Cancelled))
	s.on(asked(mapreduce.WantRemove), `
		record removed
		forget u1, whole: true
		record removed, swept
		answer r: cancelled`)
	s.on(asked(mapreduce.WantStatus), `answer r: there is no job "count"`)
	other := count()
	other.Reduces = 5
	s.on(submitted(7, other), `
		record queued
		record planning
		tell u7 planning
		enqueue plan.0
		accept 7`)
	s.on(mapreduce.Asked{Want: mapreduce.WantList, Reply: "r"}, `answer r: 1 jobs`)
}

func TestResultOnTheBusIsLinkedBeforeTheJobIsDone(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := count()
	job.Output = mapreduce.Target{}
	s.play(submitted(1, job), planned(1), committed(mapreduce.Map, 0), committed(mapreduce.Reduce, 0), committed(mapreduce.Reduce, 1), done())
	s.on(committed(mapreduce.Finish, 0), `link count to u1`)
	s.on(mapreduce.Tick{}, `tell u1 finishing`)
	s.on(mapreduce.Linked{UID: "u1"}, `
		record done
		tell u1 done
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record done, swept`)
	s.on(asked(mapreduce.WantRetry), "answer r: job count is done: remove it (`jetreduce rm count`) and submit it again")
	s.on(asked(mapreduce.WantRemove), `
		record removed
		unlink count from u1
		forget u1, whole: true
		record removed, swept
		answer r: done`)
}

func TestResultThatCannotHaveItsNameFailsTheJob(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := count()
	job.Output = mapreduce.Target{To: "object://mine/words"}
	s.play(submitted(1, job), planned(1), committed(mapreduce.Map, 0), committed(mapreduce.Reduce, 0), committed(mapreduce.Reduce, 1), done())
	s.play(committed(mapreduce.Finish, 0))
	s.on(mapreduce.Linked{UID: "u1", Trouble: "words exists"}, `
		record failed words exists
		tell u1 failed
		dismiss u1
		drop 3 lanes
		forget u1, whole: false
		record failed, swept`)
}

func TestUploadIsKeptForTheJobsThatNameIt(t *testing.T) {
	s := leading(t, coordinator.Config{})
	s.on(mapreduce.Asked{Want: mapreduce.WantUpload, UID: "u2", Reply: "r"}, `make upload u2 for r`)
	s.on(mapreduce.Asked{Want: mapreduce.WantUpload, Job: "named", UID: "u3", Reply: "r"}, `make upload named for r`)
	job := count()
	job.Inputs = []string{"bus://up/0", "/in", "bus://up/1"}
	s.on(submitted(1, job), `
		record queued
		keep uploads [up]
		record planning
		tell u1 planning
		enqueue plan.0
		accept 1`)
	twin := job
	twin.ID = "twin"
	s.play(submitted(2, twin), asked(mapreduce.WantCancel), ended(mapreduce.Cancelled))
	s.on(asked(mapreduce.WantRemove), `
		record removed
		forget u1, whole: true
		record removed, swept
		answer r: cancelled`)
	s.play(mapreduce.End{Version: 1, UID: "u2", State: mapreduce.Failed, Reason: "no"})
	s.on(mapreduce.Asked{Want: mapreduce.WantRemove, Job: "twin", Reply: "r"}, `
		record removed
		drop uploads [up]
		forget u2, whole: true
		record removed, swept
		answer r: failed`)
}

func TestSubmissionByRequestIsAnswered(t *testing.T) {
	s := leading(t, coordinator.Config{})
	request := submitted(0, count())
	request.Reply = "r"
	s.on(request, `
		record queued
		answer r: queued
		record planning
		tell u0 planning
		enqueue plan.0`)
	request.Job.Reduces = 9
	s.on(request, `answer r: job count exists with another description: use another id`)
}

func TestWorkersAreListed(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1", task(mapreduce.Map, 0)))
	s.on(asked(mapreduce.WantWorkers), `answer r: 2 workers`)
}

// Whoever reads JSON need not know of two ways to say none.
func TestWorkerThatDoesNothingRunsAnEmptyList(t *testing.T) {
	s := leading(t, coordinator.Config{})
	for _, c := range s.state.Step(s.now, asked(mapreduce.WantWorkers)) {
		answer, is := c.(coordinator.Answer)
		if data, err := json.Marshal(answer.Answer); is && (err != nil || !strings.Contains(string(data), `"running":[]`)) {
			t.Errorf("the answer is %s, %v", data, err)
		}
	}
}

func TestInputThatOnlyAnotherWorkerHasIsReadThere(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1"), beat("w2"), mapreduce.Beat{Worker: "idler", Bye: true})
	s.idler = false
	s.on(absent("w1", 1), `enqueue map.0`)
	s.on(absent("w2", 2), `end failed: worker w2 on h: input /in: no such file or directory`)
}

func TestWorkersWithoutTheInputAreToldToLeaveIt(t *testing.T) {
	s := mapping(t, coordinator.Config{}, 1)
	s.play(beat("w1"), beat("w2"))
	task := s.queuedTask(absent("w1", 1), "map.0")
	if len(task.Avoid) != 1 || task.Avoid[0] != "w1" {
		t.Errorf("to be avoided by %v", task.Avoid)
	}
}

func absent(worker mapreduce.WorkerID, by uint32) mapreduce.Failure {
	return mapreduce.Failure{
		Version: 1, Task: task(mapreduce.Map, 0), Attempt: attempt(worker, by), Absent: true,
		Reason: "worker " + string(worker) + " on h: input /in: no such file or directory",
	}
}

func TestUploadThatNoJobNeedsIsDropped(t *testing.T) {
	s := leading(t, coordinator.Config{})
	job := count()
	job.Inputs = []string{"bus://first#aa"}
	s.play(submitted(1, job))
	job.Inputs = []string{"bus://second#aa"} // the same files, carried again
	s.on(submitted(2, job), `
		tell u1 planning
		drop uploads [second]
		accept 2`)
	job.Inputs = []string{"bus://third#bb"}
	request := submitted(0, job)
	request.Reply = "r"
	s.on(request, `
		drop uploads [third]
		answer r: job count exists with another description: use another id`)
	discard := mapreduce.Asked{Want: mapreduce.WantDiscard, Job: "first", Reply: "r"}
	s.on(discard, `answer r: nothing`) // a job names it
	discard.Job = "fourth"
	s.on(discard, `
		drop uploads [fourth]
		answer r: nothing`)
}
