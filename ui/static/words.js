// What the stage says about a job.

export const LOADING = "Loading the model …";

export function statusOf(job, model) {
  switch (job.state) {
    case "queued":
      if (!job.position) return model === "loading" ? LOADING : "Next in line …";
      return job.position === 1 ? "Waiting: 1 job before this one" : `Waiting: ${job.position} jobs before this one`;
    case "running":
      if (job.loading) return `Loading the model ${job.loading} …`;
      if (!job.step) return "Starting …";
      return job.step < job.steps ? `Step ${job.step} of ${job.steps}` : "Finishing …";
    case "stopped":
      return job.pictures.length ? `Stopped; ${job.pictures.length} of ${job.count} finished` : "Stopped";
    case "failed":
      return "Not drawn";
    default:
      return "";
  }
}

export function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 1.5) return "a moment left";
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min left` : `about ${Math.round(seconds / 3600)} h left`;
}

// For those who listen: only the turns of the story, not every step.
export function announcement(job) {
  const many = job.pictures.length;
  const done = many === 1 ? "The picture is ready." : `${many} pictures are ready.`;
  return { running: "Drawing.", done, stopped: "Stopped." }[job.state] ?? "";
}
